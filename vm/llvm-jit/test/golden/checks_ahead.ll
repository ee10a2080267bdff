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
  %7 = call i64 @llvm.usub.sat.i64(i64 %4, i64 1)
  %.not = icmp ult i64 %4, 4
  br i1 %.not, label %ask, label %fine, !prof !0, !bpf.input !1

fine4:                                            ; preds = %fine2
  %8 = getelementptr i8, ptr %17, i64 14
  store i8 1, ptr %8, align 1
  %9 = getelementptr i8, ptr %17, i64 23
  br label %fine6.split

common.ret:                                       ; preds = %ask5.checked, %ask3.checked, %ask1.checked, %ask, %10
  %common.ret.op = phi { i64, i64 } [ %13, %10 ], [ { i64 0, i64 -1 }, %ask ], [ { i64 0, i64 -1 }, %ask1.checked ], [ { i64 0, i64 -1 }, %ask3.checked ], [ { i64 0, i64 -1 }, %ask5.checked ]
  ret { i64, i64 } %common.ret.op

10:                                               ; preds = %fine2.checked, %fine6.split, %fine2
  %11 = phi i64 [ %24, %fine2 ], [ %26, %fine6.split ], [ %28, %fine2.checked ]
  %12 = insertvalue { i64, i64 } poison, i64 %11, 0
  %13 = insertvalue { i64, i64 } %12, i64 %1, 1
  br label %common.ret

ask:                                              ; preds = %5
  %14 = call preserve_mostcc i64 @ebpf_rt_check(ptr nonnull %0, i64 %6, i64 1025, i64 %2), !bpf.input !1
  %.not1 = icmp eq i64 %14, 0
  br i1 %.not1, label %common.ret, label %fine, !prof !0

fine:                                             ; preds = %ask, %5
  %15 = load i32, ptr %3, align 1
  %16 = zext i32 %15 to i64
  %17 = getelementptr i8, ptr %3, i64 %16
  %18 = getelementptr i8, ptr %17, i64 12
  %19 = ptrtoint ptr %18 to i64
  %20 = call i64 @llvm.usub.sat.i64(i64 %4, i64 11)
  %21 = add nuw nsw i64 %16, 12
  %22 = icmp ult i64 %21, %20
  br i1 %22, label %fine2, label %checked, !prof !2, !bpf.comparisons !3

fine2:                                            ; preds = %fine
  %23 = load i16, ptr %18, align 1
  %24 = zext i16 %23 to i64
  %.not3 = icmp eq i16 %23, 8
  br i1 %.not3, label %fine4, label %10

fine6.split:                                      ; preds = %fine4.checked, %ask5.checked, %fine4
  %.in = phi ptr [ %9, %fine4 ], [ %30, %ask5.checked ], [ %30, %fine4.checked ]
  %25 = load i8, ptr %.in, align 1
  %26 = zext i8 %25 to i64
  br label %10

fine2.checked:                                    ; preds = %checked, %ask1.checked
  %27 = load i16, ptr %18, align 1
  %28 = zext i16 %27 to i64
  %.not3.checked = icmp eq i16 %27, 8
  br i1 %.not3.checked, label %34, label %10

ask1.checked:                                     ; preds = %checked
  %29 = call preserve_mostcc i64 @ebpf_rt_check(ptr nonnull %0, i64 %19, i64 8589935105, i64 %2), !bpf.input !1
  %.not2.checked = icmp eq i64 %29, 0
  br i1 %.not2.checked, label %common.ret, label %fine2.checked, !prof !0

fine4.checked:                                    ; preds = %ask3.checked, %34
  store i8 1, ptr %35, align 1
  %30 = getelementptr i8, ptr %17, i64 23
  %31 = ptrtoint ptr %30 to i64
  %32 = sub i64 %31, %6
  %33 = icmp ult i64 %32, %4
  br i1 %33, label %fine6.split, label %ask5.checked, !prof !2, !bpf.input !1

34:                                               ; preds = %fine2.checked
  %35 = getelementptr i8, ptr %17, i64 14
  %36 = ptrtoint ptr %35 to i64
  %37 = sub i64 %36, %6
  %38 = icmp ult i64 %37, %4
  br i1 %38, label %fine4.checked, label %ask3.checked, !prof !2, !bpf.input !1

ask3.checked:                                     ; preds = %34
  %39 = call preserve_mostcc i64 @ebpf_rt_check(ptr nonnull %0, i64 %36, i64 17179869442, i64 %2), !bpf.input !1
  %.not4.checked = icmp eq i64 %39, 0
  br i1 %.not4.checked, label %common.ret, label %fine4.checked, !prof !0

ask5.checked:                                     ; preds = %fine4.checked
  %40 = call preserve_mostcc i64 @ebpf_rt_check(ptr nonnull %0, i64 %31, i64 21474836737, i64 %2), !bpf.input !1
  %.not5.checked = icmp eq i64 %40, 0
  br i1 %.not5.checked, label %common.ret, label %fine6.split, !prof !0

checked:                                          ; preds = %fine
  %41 = sub i64 %19, %6
  %42 = icmp ult i64 %41, %7
  br i1 %42, label %fine2.checked, label %ask1.checked, !prof !2, !bpf.input !1
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
