@bpf_program = external global i8

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #0

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #1 {
  %6 = ptrtoint ptr %3 to i64
  %7 = getelementptr inbounds i64, ptr %0, i64 0
  %8 = ptrtoint ptr %3 to i64
  %9 = getelementptr inbounds i64, ptr %0, i64 1
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  br label %10

10:                                               ; preds = %5
  %11 = icmp eq i64 %6, 0
  %12 = select i1 %11, i64 1, i64 %6
  %13 = udiv i64 %4, %12
  %14 = select i1 %11, i64 0, i64 %13
  %15 = icmp eq i64 %4, 0
  %16 = icmp eq i64 %4, -1
  %17 = or i1 %15, %16
  %18 = select i1 %17, i64 1, i64 %4
  %19 = sdiv i64 %14, %18
  %20 = sub i64 0, %14
  %21 = select i1 %16, i64 %20, i64 %19
  %22 = select i1 %15, i64 0, i64 %21
  %23 = trunc i64 %6 to i32
  %24 = trunc i64 %22 to i32
  %25 = icmp eq i32 %23, 0
  %26 = select i1 %25, i32 1, i32 %23
  %27 = urem i32 %24, %26
  %28 = select i1 %25, i32 %24, i32 %27
  %29 = zext i32 %28 to i64
  %30 = srem i64 %29, 1
  %31 = select i1 false, i64 %29, i64 %30
  %32 = insertvalue { i64, i64 } poison, i64 %31, 0
  %33 = insertvalue { i64, i64 } %32, i64 %1, 1
  ret { i64, i64 } %33

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
