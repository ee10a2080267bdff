@bpf_program = external global i8

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #0

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.usub.sat.i64(i64, i64) #1

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite)
declare preserve_mostcc i64 @ebpf_rt_check(ptr, i64, i64, i64) #2

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #3 {
  %6 = ptrtoint ptr %3 to i64
  %7 = getelementptr inbounds i64, ptr %0, i64 0
  %8 = load i64, ptr %7, align 8, !invariant.load !0
  %9 = getelementptr inbounds i64, ptr %0, i64 1
  %10 = load i64, ptr %9, align 8, !invariant.load !0
  %r10 = inttoptr i64 %2 to ptr
  %11 = getelementptr i8, ptr %r10, i64 -512
  call void @llvm.memset.p0.i64(ptr align 16 %11, i8 0, i64 512, i1 false)
  %12 = getelementptr i8, ptr %r10, i64 -1024
  store i64 1, ptr %12, align 8
  %13 = inttoptr i64 %6 to ptr
  %14 = call i64 @llvm.usub.sat.i64(i64 %10, i64 7)
  br label %15

15:                                               ; preds = %5
  %16 = add i64 %2, 0
  %17 = getelementptr i8, ptr %13, i64 0
  %18 = ptrtoint ptr %17 to i64
  %19 = sub i64 %18, %8
  %20 = icmp ult i64 %19, %14
  br i1 %20, label %fine, label %ask, !prof !1

ask:                                              ; preds = %15
  %21 = call preserve_mostcc i64 @ebpf_rt_check(ptr %0, i64 %18, i64 4294969346, i64 %2)
  %22 = icmp ne i64 %21, 0
  br i1 %22, label %fine, label %end_run, !prof !1

fine:                                             ; preds = %ask, %15
  store i64 %16, ptr %17, align 1
  %23 = getelementptr i8, ptr %r10, i64 -8
  %24 = add i64 %2, -8
  %25 = load i64, ptr %23, align 8
  %26 = getelementptr i8, ptr %r10, i64 -1024
  store i64 0, ptr %26, align 8
  %27 = insertvalue { i64, i64 } poison, i64 %25, 0
  %28 = insertvalue { i64, i64 } %27, i64 %1, 1
  ret { i64, i64 } %28

end_run:                                          ; preds = %ask
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: mustprogress nounwind
define i64 @bpf_entry(ptr %0, i64 %1) #3 {
  %3 = call i64 @ebpf_rt_enter_quietly(ptr @bpf_program, ptr %0, i64 %1)
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter_quietly(ptr, ptr, i64) #4

attributes #0 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #1 = { nocallback nofree nosync nounwind speculatable willreturn memory(none) }
attributes #2 = { cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite) }
attributes #3 = { mustprogress nounwind }
attributes #4 = { nonlazybind }

!0 = !{}
!1 = !{!"branch_weights", i32 1048575, i32 1}
