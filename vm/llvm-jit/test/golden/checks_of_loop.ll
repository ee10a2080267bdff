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
  %.not15 = icmp ugt i64 %price, %1
  %10 = shl nuw nsw i64 %9, 2
  %11 = icmp ult i64 %10, %4
  br i1 %.not15, label %lacks, label %reaches, !prof !0

reaches:                                          ; preds = %.preheader
  br i1 %11, label %round_by_round.paid, label %round_by_round.preheader, !prof !1, !bpf.comparisons !2

round_by_round.paid:                              ; preds = %tops_up, %reaches
  %slice = phi i64 [ %1, %reaches ], [ %29, %tops_up ]
  %12 = add i64 %slice, 7
  %.neg = mul i64 %4, -7
  %13 = add i64 %.neg, %12
  br label %fine.paid

fine.paid:                                        ; preds = %23, %round_by_round.paid
  %14 = phi i64 [ 0, %round_by_round.paid ], [ %21, %23 ]
  %15 = phi ptr [ %3, %round_by_round.paid ], [ %24, %23 ]
  %16 = phi i64 [ %4, %round_by_round.paid ], [ %25, %23 ]
  %17 = phi i64 [ %slice, %round_by_round.paid ], [ %26, %23 ]
  %18 = load i8, ptr %15, align 1
  %19 = zext i8 %18 to i64
  %20 = mul i64 %14, 31
  %21 = xor i64 %20, %19
  %22 = icmp ugt i64 %21, %16
  br i1 %22, label %.loopexit, label %23

23:                                               ; preds = %fine.paid
  %24 = getelementptr i8, ptr %15, i64 4
  %25 = add i64 %16, -1
  %.not1.paid = icmp eq i64 %25, 0
  %26 = add i64 %17, -7
  br i1 %.not1.paid, label %.loopexit, label %fine.paid

lacks:                                            ; preds = %.preheader
  %27 = icmp ult i64 %4, 149798
  %28 = and i1 %27, %11
  br i1 %28, label %tops_up, label %round_by_round.preheader

tops_up:                                          ; preds = %lacks
  %29 = call preserve_mostcc i64 @ebpf_rt_top_up(ptr nonnull %0, i64 %1)
  %.not16 = icmp ugt i64 %price, %29
  br i1 %.not16, label %round_by_round.preheader, label %round_by_round.paid

round_by_round.preheader:                         ; preds = %tops_up, %lacks, %reaches
  %.ph = phi i64 [ %1, %reaches ], [ %29, %tops_up ], [ %1, %lacks ]
  br label %round_by_round

round_by_round:                                   ; preds = %round_by_round.backedge, %round_by_round.preheader
  %30 = phi i64 [ 0, %round_by_round.preheader ], [ %48, %round_by_round.backedge ]
  %31 = phi ptr [ %3, %round_by_round.preheader ], [ %38, %round_by_round.backedge ]
  %32 = phi i64 [ %4, %round_by_round.preheader ], [ %39, %round_by_round.backedge ]
  %33 = phi i64 [ %.ph, %round_by_round.preheader ], [ %.be, %round_by_round.backedge ]
  %34 = ptrtoint ptr %31 to i64
  %35 = sub i64 %34, %6
  %36 = icmp ult i64 %35, %4
  br i1 %36, label %fine, label %ask, !prof !1, !bpf.input !3

37:                                               ; preds = %fine
  %38 = getelementptr i8, ptr %31, i64 4
  %39 = add i64 %32, -1
  %.not1 = icmp eq i64 %39, 0
  br i1 %.not1, label %.loopexit, label %latch

common.ret:                                       ; preds = %ask, %refill, %.loopexit
  %common.ret.op = phi { i64, i64 } [ %43, %.loopexit ], [ { i64 0, i64 -1 }, %refill ], [ { i64 0, i64 -1 }, %ask ]
  ret { i64, i64 } %common.ret.op

.loopexit:                                        ; preds = %fine.paid, %23, %37, %fine, %5
  %40 = phi i64 [ 0, %5 ], [ %48, %fine ], [ %48, %37 ], [ %21, %23 ], [ %21, %fine.paid ]
  %41 = phi i64 [ %1, %5 ], [ %33, %fine ], [ %33, %37 ], [ %13, %23 ], [ %17, %fine.paid ]
  %42 = insertvalue { i64, i64 } poison, i64 %40, 0
  %43 = insertvalue { i64, i64 } %42, i64 %41, 1
  br label %common.ret

ask:                                              ; preds = %round_by_round
  %44 = call preserve_mostcc i64 @ebpf_rt_check(ptr nonnull %0, i64 %34, i64 8589934849, i64 %2), !bpf.input !3
  %.not = icmp eq i64 %44, 0
  br i1 %.not, label %common.ret, label %fine, !prof !0

fine:                                             ; preds = %ask, %round_by_round
  %45 = load i8, ptr %31, align 1
  %46 = zext i8 %45 to i64
  %47 = mul i64 %30, 31
  %48 = xor i64 %47, %46
  %49 = icmp ugt i64 %48, %32
  br i1 %49, label %.loopexit, label %37

latch:                                            ; preds = %37
  %50 = add i64 %33, -7
  %51 = icmp sgt i64 %50, -1
  br i1 %51, label %round_by_round.backedge, label %refill, !prof !1

refill:                                           ; preds = %latch
  %52 = call preserve_mostcc i64 @ebpf_rt_refill(ptr nonnull %0, i64 %50, i32 7, i32 8)
  %53 = icmp sgt i64 %52, -1
  br i1 %53, label %round_by_round.backedge, label %common.ret, !prof !1

round_by_round.backedge:                          ; preds = %refill, %latch
  %.be = phi i64 [ %50, %latch ], [ %52, %refill ]
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
