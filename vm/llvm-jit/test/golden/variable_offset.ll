@bpf_program = external global i8

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #0

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite)
declare preserve_mostcc i64 @ebpf_rt_check(ptr, i64, i64, i64) #1

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #2 {
  %6 = ptrtoint ptr %3 to i64
  %7 = getelementptr inbounds i64, ptr %0, i64 0
  %8 = ptrtoint ptr %3 to i64
  %9 = getelementptr inbounds i64, ptr %0, i64 1
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  br label %10

10:                                               ; preds = %5
  %11 = and i64 %4, 56
  %12 = sub i64 0, %11
  %13 = add i64 0, %12
  %14 = add i64 %13, -8
  %15 = getelementptr i8, ptr %r10, i64 %14
  %16 = add i64 %2, %14
  %17 = add i64 %14, 512
  %18 = icmp ule i64 %17, 504
  br i1 %18, label %fine, label %ask, !prof !0

ask:                                              ; preds = %10
  %19 = call preserve_mostcc i64 @ebpf_rt_check(ptr %0, i64 %16, i64 12884903938, i64 %2)
  %20 = icmp ne i64 %19, 0
  br i1 %20, label %fine, label %end_run, !prof !0

fine:                                             ; preds = %ask, %10
  %21 = inttoptr i64 %16 to ptr
  %22 = select i1 %18, ptr %15, ptr %21
  store i64 7, ptr %22, align 1
  %23 = getelementptr i8, ptr %r10, i64 -16
  %24 = add i64 %2, -16
  %25 = load i64, ptr %23, align 16
  %26 = insertvalue { i64, i64 } poison, i64 %25, 0
  %27 = insertvalue { i64, i64 } %26, i64 %1, 1
  ret { i64, i64 } %27

end_run:                                          ; preds = %ask
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: mustprogress nounwind
define i64 @bpf_entry(ptr %0, i64 %1) #2 {
  %3 = call i64 @ebpf_rt_enter_quietly(ptr @bpf_program, ptr %0, i64 %1)
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter_quietly(ptr, ptr, i64) #3

attributes #0 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #1 = { cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite) }
attributes #2 = { mustprogress nounwind }
attributes #3 = { nonlazybind }

!0 = !{!"branch_weights", i32 1048575, i32 1}
