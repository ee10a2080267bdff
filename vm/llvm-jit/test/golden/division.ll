@bpf_program = external global i8

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #0

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #1 {
  %6 = ptrtoint ptr %3 to i64
  %7 = getelementptr inbounds i64, ptr %0, i64 0
  %8 = load i64, ptr %7, align 8, !invariant.load !0
  %9 = getelementptr inbounds i64, ptr %0, i64 1
  %10 = load i64, ptr %9, align 8, !invariant.load !0
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  br label %11

11:                                               ; preds = %5
  %12 = icmp eq i64 %6, 0
  %13 = select i1 %12, i64 1, i64 %6
  %14 = udiv i64 %4, %13
  %15 = select i1 %12, i64 0, i64 %14
  %16 = icmp eq i64 %4, 0
  %17 = icmp eq i64 %4, -1
  %18 = or i1 %16, %17
  %19 = select i1 %18, i64 1, i64 %4
  %20 = sdiv i64 %15, %19
  %21 = sub i64 0, %15
  %22 = select i1 %17, i64 %21, i64 %20
  %23 = select i1 %16, i64 0, i64 %22
  %24 = trunc i64 %6 to i32
  %25 = trunc i64 %23 to i32
  %26 = icmp eq i32 %24, 0
  %27 = select i1 %26, i32 1, i32 %24
  %28 = urem i32 %25, %27
  %29 = select i1 %26, i32 %25, i32 %28
  %30 = zext i32 %29 to i64
  %31 = srem i64 %30, 1
  %32 = select i1 false, i64 %30, i64 %31
  %33 = insertvalue { i64, i64 } poison, i64 %32, 0
  %34 = insertvalue { i64, i64 } %33, i64 %1, 1
  ret { i64, i64 } %34

end_run:                                          ; No predecessors!
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: mustprogress nounwind
define i64 @bpf_entry(ptr %0, i64 %1) #1 {
  %3 = call i64 @ebpf_rt_enter_quietly(ptr @bpf_program, ptr %0, i64 %1)
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter_quietly(ptr, ptr, i64) #2

attributes #0 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #1 = { mustprogress nounwind }
attributes #2 = { nonlazybind }

!0 = !{}
