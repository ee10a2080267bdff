@bpf_program = external global i8

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #0

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.usub.sat.i64(i64, i64) #1

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite)
declare preserve_mostcc i64 @ebpf_rt_check(ptr, i64, i64, i64) #2

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i16 @llvm.bswap.i16(i16) #1

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #3 {
  %6 = ptrtoint ptr %3 to i64
  %7 = getelementptr inbounds i64, ptr %0, i64 0
  %8 = ptrtoint ptr %3 to i64
  %9 = getelementptr inbounds i64, ptr %0, i64 1
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  %10 = inttoptr i64 %6 to ptr
  %11 = call i64 @llvm.usub.sat.i64(i64 %4, i64 1)
  br label %12

12:                                               ; preds = %5
  %13 = getelementptr i8, ptr %10, i64 12
  %14 = ptrtoint ptr %13 to i64
  %15 = sub i64 %14, %8
  %16 = icmp ult i64 %15, %11
  br i1 %16, label %fine, label %ask, !prof !0, !bpf.input !1

ask:                                              ; preds = %12
  %17 = call preserve_mostcc i64 @ebpf_rt_check(ptr %0, i64 %14, i64 513, i64 %2), !bpf.input !1
  %18 = icmp ne i64 %17, 0
  br i1 %18, label %fine, label %end_run, !prof !0

fine:                                             ; preds = %ask, %12
  %19 = load i16, ptr %13, align 1
  %20 = zext i16 %19 to i64
  %21 = call i16 @llvm.bswap.i16(i16 %19)
  %22 = zext i16 %21 to i64
  %23 = insertvalue { i64, i64 } poison, i64 %22, 0
  %24 = insertvalue { i64, i64 } %23, i64 %1, 1
  ret { i64, i64 } %24

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
