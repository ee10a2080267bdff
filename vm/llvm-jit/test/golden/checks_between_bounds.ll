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
  %7 = call i64 @llvm.usub.sat.i64(i64 %4, i64 3)
  %.not = icmp ult i64 %4, 4
  br i1 %.not, label %ask, label %fine, !prof !0, !bpf.input !1

ask:                                              ; preds = %5
  %8 = call preserve_mostcc i64 @ebpf_rt_check(ptr nonnull %0, i64 %6, i64 1025, i64 %2), !bpf.input !1
  %.not1 = icmp eq i64 %8, 0
  br i1 %.not1, label %common.ret, label %fine, !prof !0

fine:                                             ; preds = %ask, %5
  %9 = load i32, ptr %3, align 1
  %10 = zext i32 %9 to i64
  %11 = getelementptr i8, ptr %3, i64 %10
  %12 = lshr i64 %4, 29
  %13 = and i64 %12, 4
  %14 = getelementptr i8, ptr %11, i64 8
  %15 = getelementptr i8, ptr %11, i64 %13
  %16 = ptrtoint ptr %15 to i64
  %17 = call i64 @llvm.usub.sat.i64(i64 %4, i64 11)
  %18 = icmp ugt i64 %17, %10
  br i1 %18, label %fine2, label %one_by_one, !prof !2, !bpf.comparisons !3

fine2:                                            ; preds = %fine, %one_by_one6, %one_by_one4
  %19 = load i32, ptr %14, align 1
  %20 = zext i32 %19 to i64
  %21 = load i32, ptr %15, align 1
  %22 = zext i32 %21 to i64
  %23 = add nuw nsw i64 %20, %22
  %24 = insertvalue { i64, i64 } poison, i64 %23, 0
  %25 = insertvalue { i64, i64 } %24, i64 %1, 1
  br label %common.ret

common.ret:                                       ; preds = %one_by_one6, %one_by_one5, %ask, %fine2
  %common.ret.op = phi { i64, i64 } [ %25, %fine2 ], [ { i64 0, i64 -1 }, %ask ], [ { i64 0, i64 -1 }, %one_by_one5 ], [ { i64 0, i64 -1 }, %one_by_one6 ]
  ret { i64, i64 } %common.ret.op

one_by_one:                                       ; preds = %fine
  %26 = ptrtoint ptr %11 to i64
  %27 = add i64 %26, 8
  %28 = sub i64 %27, %6
  %29 = icmp ult i64 %28, %7
  br i1 %29, label %one_by_one4, label %one_by_one5

one_by_one4:                                      ; preds = %one_by_one5, %one_by_one
  %30 = sub i64 %16, %6
  %31 = icmp ult i64 %30, %7
  br i1 %31, label %fine2, label %one_by_one6

one_by_one5:                                      ; preds = %one_by_one
  %32 = call preserve_mostcc i64 @ebpf_rt_check(ptr nonnull %0, i64 %27, i64 17179870209, i64 %2)
  %.not7 = icmp eq i64 %32, 0
  br i1 %.not7, label %common.ret, label %one_by_one4, !prof !0

one_by_one6:                                      ; preds = %one_by_one4
  %33 = call preserve_mostcc i64 @ebpf_rt_check(ptr nonnull %0, i64 %16, i64 25769804801, i64 %2)
  %.not8 = icmp eq i64 %33, 0
  br i1 %.not8, label %common.ret, label %fine2, !prof !0
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
