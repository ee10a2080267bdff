@bpf_program = external global i8

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #0

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.usub.sat.i64(i64, i64) #1

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite)
declare preserve_mostcc i64 @ebpf_rt_check(ptr, i64, i64, i64) #2

; Function Attrs: cold nocallback nounwind nonlazybind willreturn
declare preserve_mostcc i64 @ebpf_rt_refill(ptr, i64, i32, i32) #3

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #4 {
  %6 = ptrtoint ptr %3 to i64
  %7 = icmp eq i64 %4, 0
  br i1 %7, label %.loopexit, label %.preheader

.preheader:                                       ; preds = %5
  %8 = add i64 %4, -1
  %9 = call i64 @llvm.umin.i64(i64 %8, i64 1048576)
  %price = mul nuw nsw i64 %9, 7
  %10 = icmp ugt i64 %price, %1
  %11 = icmp ult i64 %4, 149798
  %12 = and i1 %10, %11
  br i1 %12, label %13, label %15, !prof !0

13:                                               ; preds = %.preheader
  %14 = call preserve_mostcc i64 @ebpf_rt_top_up(ptr nonnull %0, i64 %1)
  br label %15

15:                                               ; preds = %.preheader, %13
  %slice = phi i64 [ %1, %.preheader ], [ %14, %13 ]
  %16 = shl nuw nsw i64 %9, 2
  %17 = icmp ult i64 %16, %4
  %18 = icmp ule i64 %price, %slice
  %19 = and i1 %18, %17
  br i1 %19, label %round_by_round.paid.preheader, label %round_by_round, !prof !1, !bpf.comparisons !2

round_by_round.paid.preheader:                    ; preds = %15
  %20 = load i8, ptr %3, align 1
  %21 = zext i8 %20 to i64
  %22 = icmp ugt i64 %21, %4
  br i1 %22, label %.loopexit, label %.lr.ph.preheader

.lr.ph.preheader:                                 ; preds = %round_by_round.paid.preheader
  %23 = add i64 %slice, 7
  %.neg = mul i64 %4, -7
  %24 = add i64 %.neg, %23
  br label %.lr.ph

.lr.ph:                                           ; preds = %.lr.ph.preheader, %latch.paid
  %25 = phi i64 [ %35, %latch.paid ], [ %21, %.lr.ph.preheader ]
  %26 = phi i64 [ %31, %latch.paid ], [ %slice, %.lr.ph.preheader ]
  %27 = phi i64 [ %29, %latch.paid ], [ %4, %.lr.ph.preheader ]
  %28 = phi ptr [ %30, %latch.paid ], [ %3, %.lr.ph.preheader ]
  %29 = add i64 %27, -1
  %.not1.paid = icmp eq i64 %29, 0
  br i1 %.not1.paid, label %.loopexit, label %latch.paid

latch.paid:                                       ; preds = %.lr.ph
  %30 = getelementptr i8, ptr %28, i64 4
  %31 = add nsw i64 %26, -7
  %32 = load i8, ptr %30, align 1
  %33 = zext i8 %32 to i64
  %34 = mul i64 %25, 31
  %35 = xor i64 %34, %33
  %36 = icmp ugt i64 %35, %29
  br i1 %36, label %.loopexit, label %.lr.ph

round_by_round:                                   ; preds = %15, %round_by_round.backedge
  %37 = phi i64 [ %55, %round_by_round.backedge ], [ 0, %15 ]
  %38 = phi ptr [ %45, %round_by_round.backedge ], [ %3, %15 ]
  %39 = phi i64 [ %46, %round_by_round.backedge ], [ %4, %15 ]
  %40 = phi i64 [ %.be, %round_by_round.backedge ], [ %slice, %15 ]
  %41 = ptrtoint ptr %38 to i64
  %42 = sub i64 %41, %6
  %43 = icmp ult i64 %42, %4
  br i1 %43, label %fine, label %ask, !prof !1, !bpf.input !3

44:                                               ; preds = %fine
  %45 = getelementptr i8, ptr %38, i64 4
  %46 = add i64 %39, -1
  %.not1 = icmp eq i64 %46, 0
  br i1 %.not1, label %.loopexit, label %latch

common.ret:                                       ; preds = %ask, %refill, %.loopexit
  %common.ret.op = phi { i64, i64 } [ %50, %.loopexit ], [ { i64 0, i64 -1 }, %refill ], [ { i64 0, i64 -1 }, %ask ]
  ret { i64, i64 } %common.ret.op

.loopexit:                                        ; preds = %44, %fine, %.lr.ph, %latch.paid, %round_by_round.paid.preheader, %5
  %47 = phi i64 [ 0, %5 ], [ %21, %round_by_round.paid.preheader ], [ %35, %latch.paid ], [ %25, %.lr.ph ], [ %55, %fine ], [ %55, %44 ]
  %48 = phi i64 [ %1, %5 ], [ %slice, %round_by_round.paid.preheader ], [ %31, %latch.paid ], [ %24, %.lr.ph ], [ %40, %fine ], [ %40, %44 ]
  %49 = insertvalue { i64, i64 } poison, i64 %47, 0
  %50 = insertvalue { i64, i64 } %49, i64 %48, 1
  br label %common.ret

ask:                                              ; preds = %round_by_round
  %51 = call preserve_mostcc i64 @ebpf_rt_check(ptr nonnull %0, i64 %41, i64 8589934849, i64 %2), !bpf.input !3
  %.not = icmp eq i64 %51, 0
  br i1 %.not, label %common.ret, label %fine, !prof !0

fine:                                             ; preds = %ask, %round_by_round
  %52 = load i8, ptr %38, align 1
  %53 = zext i8 %52 to i64
  %54 = mul i64 %37, 31
  %55 = xor i64 %54, %53
  %56 = icmp ugt i64 %55, %39
  br i1 %56, label %.loopexit, label %44

latch:                                            ; preds = %44
  %57 = add nsw i64 %40, -7
  %58 = icmp sgt i64 %40, 6
  br i1 %58, label %round_by_round.backedge, label %refill, !prof !1

refill:                                           ; preds = %latch
  %59 = call preserve_mostcc i64 @ebpf_rt_refill(ptr nonnull %0, i64 %57, i32 7, i32 8)
  %60 = icmp sgt i64 %59, -1
  br i1 %60, label %round_by_round.backedge, label %common.ret, !prof !1

round_by_round.backedge:                          ; preds = %refill, %latch
  %.be = phi i64 [ %57, %latch ], [ %59, %refill ]
  br label %round_by_round, !llvm.loop !4
}

; Function Attrs: mustprogress nounwind
define i64 @bpf_entry(ptr %0, i64 %1) #4 {
  %3 = call i64 @ebpf_rt_enter_quietly(ptr nonnull @bpf_program, ptr %0, i64 %1) #7
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter_quietly(ptr, ptr, i64) #5

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.umin.i64(i64, i64) #1

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(inaccessiblemem: readwrite)
declare preserve_mostcc i64 @ebpf_rt_top_up(ptr, i64) #6

attributes #0 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #1 = { nocallback nofree nosync nounwind speculatable willreturn memory(none) }
attributes #2 = { cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite) }
attributes #3 = { cold nocallback nounwind nonlazybind willreturn }
attributes #4 = { mustprogress nounwind "target-cpu"="x86-64-v3" "target-features" }
attributes #5 = { nonlazybind }
attributes #6 = { cold nocallback nounwind nonlazybind willreturn memory(inaccessiblemem: readwrite) }
attributes #7 = { nounwind }

!0 = !{!"branch_weights", i32 1, i32 1048575}
!1 = !{!"branch_weights", i32 1048575, i32 1}
!2 = !{i64 1}
!3 = !{}
!4 = distinct !{!4, !5, !6}
!5 = !{!"llvm.loop.unroll.disable"}
!6 = !{!"llvm.loop.vectorize.enable", i1 false}
