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
  %8 = ptrtoint ptr %3 to i64
  %9 = getelementptr inbounds i64, ptr %0, i64 1
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  br label %10

10:                                               ; preds = %5
  %11 = call i64 @bpf_helper_1(i64 %6, i64 %4, i64 0, i64 0, i64 0)
  %12 = call i64 @bpf_helper_2(i64 %11, i64 0, i64 0, i64 0, i64 0) #3
  %13 = getelementptr inbounds i64, ptr %words, i64 0
  store i64 %6, ptr %13, align 8
  %14 = getelementptr inbounds i64, ptr %words, i64 1
  store i64 4, ptr %14, align 8
  %15 = getelementptr inbounds i64, ptr %words, i64 2
  store i64 0, ptr %15, align 8
  %16 = getelementptr inbounds i64, ptr %words, i64 3
  store i64 0, ptr %16, align 8
  %17 = getelementptr inbounds i64, ptr %words, i64 4
  store i64 0, ptr %17, align 8
  %18 = call i64 @ebpf_rt_call_helper(ptr %0, ptr @bpf_helper_binding_4, i32 6, ptr %words, i64 %2)
  %19 = icmp ne i64 %18, 0
  br i1 %19, label %called, label %end_run, !prof !0

called:                                           ; preds = %10
  %20 = load i64, ptr %words, align 8
  %21 = call i64 @bpf_helper_5(i64 %20, i64 0, i64 0, i64 0, i64 0)
  %22 = icmp ne i64 %21, 0
  br i1 %22, label %stays, label %end_run, !prof !0

stays:                                            ; preds = %called
  %23 = insertvalue { i64, i64 } poison, i64 %21, 0
  %24 = insertvalue { i64, i64 } %23, i64 %1, 1
  ret { i64, i64 } %24

end_run:                                          ; preds = %called, %10
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

!0 = !{!"branch_weights", i32 1048575, i32 1}
