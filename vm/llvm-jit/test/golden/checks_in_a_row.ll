@bpf_program = external global i8

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #0

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.usub.sat.i64(i64, i64) #1

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite)
declare preserve_mostcc i64 @ebpf_rt_check(ptr, i64, i64, i64) #2

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #3 {
  %.not = icmp ult i64 %4, 4
  br i1 %.not, label %ask, label %fine, !prof !0, !bpf.input !1

ask:                                              ; preds = %5
  %6 = ptrtoint ptr %3 to i64
  %7 = call preserve_mostcc i64 @ebpf_rt_check(ptr nonnull %0, i64 %6, i64 1025, i64 %2), !bpf.input !1
  %.not1 = icmp eq i64 %7, 0
  br i1 %.not1, label %common.ret, label %fine, !prof !0

fine:                                             ; preds = %ask, %5
  %8 = load i32, ptr %3, align 1
  %9 = zext i32 %8 to i64
  %10 = getelementptr i8, ptr %3, i64 %9
  %11 = getelementptr i8, ptr %10, i64 8
  %12 = call i64 @llvm.usub.sat.i64(i64 %4, i64 11)
  %13 = add nuw nsw i64 %9, 8
  %14 = icmp ult i64 %13, %12
  br i1 %14, label %fine2, label %one_by_one, !prof !2, !bpf.comparisons !3

fine2:                                            ; preds = %fine, %one_by_one4
  %15 = load i32, ptr %11, align 1
  %16 = zext i32 %15 to i64
  %17 = getelementptr i8, ptr %10, i64 16
  %18 = load i32, ptr %17, align 1
  %19 = zext i32 %18 to i64
  %20 = add nuw nsw i64 %16, %19
  %21 = insertvalue { i64, i64 } poison, i64 %20, 0
  %22 = insertvalue { i64, i64 } %21, i64 %1, 1
  br label %common.ret

common.ret:                                       ; preds = %one_by_one4, %one_by_one, %ask, %fine2
  %common.ret.op = phi { i64, i64 } [ %22, %fine2 ], [ { i64 0, i64 -1 }, %ask ], [ { i64 0, i64 -1 }, %one_by_one ], [ { i64 0, i64 -1 }, %one_by_one4 ]
  ret { i64, i64 } %common.ret.op

one_by_one:                                       ; preds = %fine
  %23 = ptrtoint ptr %10 to i64
  %24 = add i64 %23, 8
  %25 = call preserve_mostcc i64 @ebpf_rt_check(ptr nonnull %0, i64 %24, i64 8589935617, i64 %2)
  %.not5 = icmp eq i64 %25, 0
  br i1 %.not5, label %common.ret, label %one_by_one4, !prof !0

one_by_one4:                                      ; preds = %one_by_one
  %26 = add i64 %23, 16
  %27 = call preserve_mostcc i64 @ebpf_rt_check(ptr nonnull %0, i64 %26, i64 12884902913, i64 %2)
  %.not6 = icmp eq i64 %27, 0
  br i1 %.not6, label %common.ret, label %fine2, !prof !0
}

; Function Attrs: mustprogress nounwind
define i64 @bpf_entry(ptr %0, i64 %1) #3 {
  %3 = call i64 @ebpf_rt_enter_quietly(ptr nonnull @bpf_program, ptr %0, i64 %1) #5
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter_quietly(ptr, ptr, i64) #4

attributes #0 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #1 = { nocallback nofree nosync nounwind speculatable willreturn memory(none) }
attributes #2 = { cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite) }
attributes #3 = { mustprogress nounwind "target-cpu"="x86-64-v3" "target-features" }
attributes #4 = { nonlazybind }
attributes #5 = { nounwind }

!0 = !{!"branch_weights", i32 1, i32 1048575}
!1 = !{}
!2 = !{!"branch_weights", i32 1048575, i32 1}
!3 = !{i64 1}
