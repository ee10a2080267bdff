@bpf_program = external global i8

; Function Attrs: mustprogress nounwind
define internal fastcc { i64, i64 } @f0(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, i64 %3, i64 %4, i64 %5, i64 %6, i64 %7) #0 {
  %9 = getelementptr inbounds i64, ptr %0, i64 0
  %10 = load i64, ptr %9, align 8, !invariant.load !0
  %11 = getelementptr inbounds i64, ptr %0, i64 1
  %12 = load i64, ptr %11, align 8, !invariant.load !0
  %r10 = inttoptr i64 %2 to ptr
  %13 = getelementptr i8, ptr %r10, i64 -512
  call void @llvm.memset.p0.i64(ptr align 16 %13, i8 0, i64 512, i1 false)
  %14 = getelementptr i8, ptr %r10, i64 -1024
  store i64 1, ptr %14, align 8
  %15 = inttoptr i64 %3 to ptr
  %16 = call i64 @llvm.usub.sat.i64(i64 %12, i64 7)
  br label %17

17:                                               ; preds = %8
  %18 = add i64 %2, 0
  %19 = getelementptr i8, ptr %15, i64 0
  %20 = ptrtoint ptr %19 to i64
  %21 = sub i64 %20, %10
  %22 = icmp ult i64 %21, %16
  br i1 %22, label %fine, label %ask, !prof !1

ask:                                              ; preds = %17
  %23 = call i64 @ebpf_rt_check(ptr %0, i64 %20, i64 4294969346, i64 %2)
  %24 = icmp ne i64 %23, 0
  br i1 %24, label %fine, label %end_run, !prof !1

fine:                                             ; preds = %ask, %17
  store i64 %18, ptr %19, align 1
  %25 = getelementptr i8, ptr %r10, i64 -8
  %26 = add i64 %2, -8
  %27 = load i64, ptr %25, align 8
  %28 = getelementptr i8, ptr %r10, i64 -1024
  store i64 0, ptr %28, align 8
  %29 = insertvalue { i64, i64 } poison, i64 %27, 0
  %30 = insertvalue { i64, i64 } %29, i64 %1, 1
  ret { i64, i64 } %30

end_run:                                          ; preds = %ask
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #1

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.usub.sat.i64(i64, i64) #2

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite)
declare i64 @ebpf_rt_check(ptr, i64, i64, i64) #3

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #0 {
  %6 = ptrtoint ptr %3 to i64
  %7 = call fastcc { i64, i64 } @f0(ptr %0, i64 %1, i64 %2, i64 %6, i64 %4, i64 0, i64 0, i64 0)
  ret { i64, i64 } %7
}

; Function Attrs: mustprogress uwtable
define i64 @bpf_entry(ptr %0, i64 %1) #4 {
  %3 = call i64 @ebpf_rt_enter(ptr @bpf_program, ptr %0, i64 %1)
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter(ptr, ptr, i64) #5

attributes #0 = { mustprogress nounwind }
attributes #1 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #2 = { nocallback nofree nosync nounwind speculatable willreturn memory(none) }
attributes #3 = { cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite) }
attributes #4 = { mustprogress uwtable }
attributes #5 = { nonlazybind }

!0 = !{}
!1 = !{!"branch_weights", i32 1048575, i32 1}
