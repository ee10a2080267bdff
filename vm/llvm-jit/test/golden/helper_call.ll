@bpf_helper_binding_4 = external global i8
@bpf_program = external global i8

; Function Attrs: mustprogress uwtable
define internal fastcc { i64, i64 } @f0(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, i64 %3, i64 %4, i64 %5, i64 %6, i64 %7) #0 {
  %words = alloca [5 x i64], align 8
  %9 = getelementptr inbounds i64, ptr %0, i64 0
  %10 = load i64, ptr %9, align 8, !invariant.load !0
  %11 = getelementptr inbounds i64, ptr %0, i64 1
  %12 = load i64, ptr %11, align 8, !invariant.load !0
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  br label %13

13:                                               ; preds = %8
  %14 = call i64 @bpf_helper_1(i64 %3, i64 %4, i64 %5, i64 %6, i64 %7)
  %15 = call i64 @bpf_helper_2(i64 %14, i64 0, i64 0, i64 0, i64 0) #3
  %16 = getelementptr inbounds i64, ptr %words, i64 0
  store i64 %3, ptr %16, align 8
  %17 = getelementptr inbounds i64, ptr %words, i64 1
  store i64 4, ptr %17, align 8
  %18 = getelementptr inbounds i64, ptr %words, i64 2
  store i64 0, ptr %18, align 8
  %19 = getelementptr inbounds i64, ptr %words, i64 3
  store i64 0, ptr %19, align 8
  %20 = getelementptr inbounds i64, ptr %words, i64 4
  store i64 0, ptr %20, align 8
  %21 = call i64 @ebpf_rt_call_helper(ptr %0, ptr @bpf_helper_binding_4, i32 6, ptr %words, i64 %2)
  %22 = icmp ne i64 %21, 0
  br i1 %22, label %called, label %end_run, !prof !1

called:                                           ; preds = %13
  %23 = load i64, ptr %words, align 8
  %24 = call i64 @bpf_helper_5(i64 %23, i64 0, i64 0, i64 0, i64 0)
  %25 = icmp ne i64 %24, 0
  br i1 %25, label %stays, label %end_run, !prof !1

stays:                                            ; preds = %called
  %26 = insertvalue { i64, i64 } poison, i64 %24, 0
  %27 = insertvalue { i64, i64 } %26, i64 %1, 1
  ret { i64, i64 } %27

end_run:                                          ; preds = %called, %13
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #1

; Function Attrs: nonlazybind
declare i64 @bpf_helper_1(i64, i64, i64, i64, i64) #2

; Function Attrs: nonlazybind
declare i64 @bpf_helper_2(i64, i64, i64, i64, i64) #2

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_call_helper(ptr, ptr, i32, ptr, i64) #2

; Function Attrs: nonlazybind
declare i64 @bpf_helper_5(i64, i64, i64, i64, i64) #2

; Function Attrs: mustprogress uwtable
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #0 {
  %6 = ptrtoint ptr %3 to i64
  %7 = call fastcc { i64, i64 } @f0(ptr %0, i64 %1, i64 %2, i64 %6, i64 %4, i64 0, i64 0, i64 0)
  ret { i64, i64 } %7
}

; Function Attrs: mustprogress uwtable
define i64 @bpf_entry(ptr %0, i64 %1) #0 {
  %3 = call i64 @ebpf_rt_enter(ptr @bpf_program, ptr %0, i64 %1)
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter(ptr, ptr, i64) #2

attributes #0 = { mustprogress uwtable }
attributes #1 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #2 = { nonlazybind }
attributes #3 = { nounwind willreturn memory(none) }

!0 = !{}
!1 = !{!"branch_weights", i32 1048575, i32 1}
