@bpf_helper_binding_4 = external global i8
@bpf_program = external global i8

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #0

; Function Attrs: nonlazybind
declare i64 @bpf_helper_1(i64, i64, i64, i64, i64) #1

; Function Attrs: nonlazybind
declare i64 @bpf_helper_2(i64, i64, i64, i64, i64) #1

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_call_helper(ptr, ptr, i32, ptr, i64) #1

; Function Attrs: nonlazybind
declare i64 @bpf_helper_5(i64, i64, i64, i64, i64) #1

; Function Attrs: mustprogress uwtable
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #2 {
  %6 = ptrtoint ptr %3 to i64
  %words = alloca [5 x i64], align 8
  %7 = getelementptr inbounds i64, ptr %0, i64 0
  %8 = load i64, ptr %7, align 8, !invariant.load !0
  %9 = getelementptr inbounds i64, ptr %0, i64 1
  %10 = load i64, ptr %9, align 8, !invariant.load !0
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  br label %11

11:                                               ; preds = %5
  %12 = call i64 @bpf_helper_1(i64 %6, i64 %4, i64 0, i64 0, i64 0)
  %13 = call i64 @bpf_helper_2(i64 %12, i64 0, i64 0, i64 0, i64 0) #3
  %14 = getelementptr inbounds i64, ptr %words, i64 0
  store i64 %6, ptr %14, align 8
  %15 = getelementptr inbounds i64, ptr %words, i64 1
  store i64 4, ptr %15, align 8
  %16 = getelementptr inbounds i64, ptr %words, i64 2
  store i64 0, ptr %16, align 8
  %17 = getelementptr inbounds i64, ptr %words, i64 3
  store i64 0, ptr %17, align 8
  %18 = getelementptr inbounds i64, ptr %words, i64 4
  store i64 0, ptr %18, align 8
  %19 = call i64 @ebpf_rt_call_helper(ptr %0, ptr @bpf_helper_binding_4, i32 6, ptr %words, i64 %2)
  %20 = icmp ne i64 %19, 0
  br i1 %20, label %called, label %end_run, !prof !1

called:                                           ; preds = %11
  %21 = load i64, ptr %words, align 8
  %22 = call i64 @bpf_helper_5(i64 %21, i64 0, i64 0, i64 0, i64 0)
  %23 = icmp ne i64 %22, 0
  br i1 %23, label %stays, label %end_run, !prof !1

stays:                                            ; preds = %called
  %24 = insertvalue { i64, i64 } poison, i64 %22, 0
  %25 = insertvalue { i64, i64 } %24, i64 %1, 1
  ret { i64, i64 } %25

end_run:                                          ; preds = %called, %11
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: mustprogress uwtable
define i64 @bpf_entry(ptr %0, i64 %1) #2 {
  %3 = call i64 @ebpf_rt_enter(ptr @bpf_program, ptr %0, i64 %1)
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter(ptr, ptr, i64) #1

attributes #0 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #1 = { nonlazybind }
attributes #2 = { mustprogress uwtable }
attributes #3 = { nounwind willreturn memory(none) }

!0 = !{}
!1 = !{!"branch_weights", i32 1048575, i32 1}
