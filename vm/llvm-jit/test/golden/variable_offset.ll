@bpf_program = external global i8

; Function Attrs: mustprogress nounwind
define internal fastcc { i64, i64 } @f0(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, i64 %3, i64 %4, i64 %5, i64 %6, i64 %7) #0 {
  %9 = getelementptr inbounds i64, ptr %0, i64 0
  %10 = load i64, ptr %9, align 8, !invariant.load !0
  %11 = getelementptr inbounds i64, ptr %0, i64 1
  %12 = load i64, ptr %11, align 8, !invariant.load !0
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  br label %13

13:                                               ; preds = %8
  %14 = and i64 %4, 56
  %15 = sub i64 0, %14
  %16 = add i64 0, %15
  %17 = add i64 %16, -8
  %18 = getelementptr i8, ptr %r10, i64 %17
  %19 = add i64 %2, %17
  %20 = add i64 %17, 512
  %21 = icmp ule i64 %20, 504
  br i1 %21, label %fine, label %ask, !prof !1

ask:                                              ; preds = %13
  %22 = call i64 @ebpf_rt_check(ptr %0, i64 %19, i64 12884903938, i64 %2)
  %23 = icmp ne i64 %22, 0
  br i1 %23, label %fine, label %end_run, !prof !1

fine:                                             ; preds = %ask, %13
  %24 = inttoptr i64 %19 to ptr
  %25 = select i1 %21, ptr %18, ptr %24
  store i64 7, ptr %25, align 1
  %26 = getelementptr i8, ptr %r10, i64 -16
  %27 = add i64 %2, -16
  %28 = load i64, ptr %26, align 16
  %29 = insertvalue { i64, i64 } poison, i64 %28, 0
  %30 = insertvalue { i64, i64 } %29, i64 %1, 1
  ret { i64, i64 } %30

end_run:                                          ; preds = %ask
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #1

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite)
declare i64 @ebpf_rt_check(ptr, i64, i64, i64) #2

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #0 {
  %6 = ptrtoint ptr %3 to i64
  %7 = call fastcc { i64, i64 } @f0(ptr %0, i64 %1, i64 %2, i64 %6, i64 %4, i64 0, i64 0, i64 0)
  ret { i64, i64 } %7
}

; Function Attrs: mustprogress uwtable
define i64 @bpf_entry(ptr %0, i64 %1) #3 {
  %3 = call i64 @ebpf_rt_enter(ptr @bpf_program, ptr %0, i64 %1)
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter(ptr, ptr, i64) #4

attributes #0 = { mustprogress nounwind }
attributes #1 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #2 = { cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite) }
attributes #3 = { mustprogress uwtable }
attributes #4 = { nonlazybind }

!0 = !{}
!1 = !{!"branch_weights", i32 1048575, i32 1}
