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
  %8 = ptrtoint ptr %3 to i64
  %9 = getelementptr inbounds i64, ptr %0, i64 1
  %r10 = inttoptr i64 %2 to ptr
  %10 = getelementptr i8, ptr %r10, i64 -512
  call void @llvm.memset.p0.i64(ptr align 16 %10, i8 0, i64 512, i1 false)
  %11 = getelementptr i8, ptr %r10, i64 -1024
  store i64 1, ptr %11, align 8
  %12 = inttoptr i64 %6 to ptr
  %13 = call i64 @llvm.usub.sat.i64(i64 %4, i64 7)
  br label %14

14:                                               ; preds = %5
  %15 = add i64 %2, 0
  %16 = getelementptr i8, ptr %12, i64 0
  %17 = ptrtoint ptr %16 to i64
  %18 = sub i64 %17, %8
  %19 = icmp ult i64 %18, %13
  br i1 %19, label %fine, label %ask, !prof !0, !bpf.input !1

ask:                                              ; preds = %14
  %20 = call preserve_mostcc i64 @ebpf_rt_check(ptr %0, i64 %17, i64 4294969346, i64 %2), !bpf.input !1
  %21 = icmp ne i64 %20, 0
  br i1 %21, label %fine, label %end_run, !prof !0

fine:                                             ; preds = %ask, %14
  store i64 %15, ptr %16, align 1
  %22 = getelementptr i8, ptr %r10, i64 -8
  %23 = add i64 %2, -8
  %24 = load i64, ptr %22, align 8
  %25 = getelementptr i8, ptr %r10, i64 -1024
  store i64 0, ptr %25, align 8
  %26 = insertvalue { i64, i64 } poison, i64 %24, 0
  %27 = insertvalue { i64, i64 } %26, i64 %1, 1
  ret { i64, i64 } %27

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

!0 = !{!"branch_weights", i32 1048575, i32 1}
!1 = !{}
