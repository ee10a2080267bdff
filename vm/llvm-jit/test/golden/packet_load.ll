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
  %8 = load i64, ptr %7, align 8, !invariant.load !0
  %9 = getelementptr inbounds i64, ptr %0, i64 1
  %10 = load i64, ptr %9, align 8, !invariant.load !0
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  %11 = inttoptr i64 %6 to ptr
  %12 = call i64 @llvm.usub.sat.i64(i64 %10, i64 1)
  br label %13

13:                                               ; preds = %5
  %14 = getelementptr i8, ptr %11, i64 12
  %15 = ptrtoint ptr %14 to i64
  %16 = sub i64 %15, %8
  %17 = icmp ult i64 %16, %12
  br i1 %17, label %fine, label %ask, !prof !1

ask:                                              ; preds = %13
  %18 = call preserve_mostcc i64 @ebpf_rt_check(ptr %0, i64 %15, i64 513, i64 %2)
  %19 = icmp ne i64 %18, 0
  br i1 %19, label %fine, label %end_run, !prof !1

fine:                                             ; preds = %ask, %13
  %20 = load i16, ptr %14, align 1
  %21 = zext i16 %20 to i64
  %22 = call i16 @llvm.bswap.i16(i16 %20)
  %23 = zext i16 %22 to i64
  %24 = insertvalue { i64, i64 } poison, i64 %23, 0
  %25 = insertvalue { i64, i64 } %24, i64 %1, 1
  ret { i64, i64 } %25

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
