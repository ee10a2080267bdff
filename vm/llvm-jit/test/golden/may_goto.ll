@bpf_program = external global i8

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #0

; Function Attrs: cold nocallback nounwind nonlazybind willreturn
declare preserve_mostcc i64 @ebpf_rt_refill(ptr, i64, i32, i32) #1

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #2 {
  %6 = ptrtoint ptr %3 to i64
  %7 = getelementptr inbounds i64, ptr %0, i64 0
  %8 = load i64, ptr %7, align 8, !invariant.load !0
  %9 = getelementptr inbounds i64, ptr %0, i64 1
  %10 = load i64, ptr %9, align 8, !invariant.load !0
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  br label %11

11:                                               ; preds = %5
  br label %12

12:                                               ; preds = %paid, %11
  %13 = phi i64 [ 0, %11 ], [ %23, %paid ]
  %14 = phi i64 [ %1, %11 ], [ %30, %paid ]
  %15 = phi i64 [ 8388608, %11 ], [ %25, %paid ]
  %16 = icmp eq i64 %15, 0
  %17 = sub i64 %15, 1
  br i1 %16, label %20, label %tries

18:                                               ; preds = %tries
  %19 = add i64 %13, 1
  br label %latch

20:                                               ; preds = %12
  %21 = insertvalue { i64, i64 } poison, i64 %13, 0
  %22 = insertvalue { i64, i64 } %21, i64 %14, 1
  ret { i64, i64 } %22

tries:                                            ; preds = %12
  br label %18

latch:                                            ; preds = %18
  %23 = phi i64 [ %19, %18 ]
  %24 = phi i64 [ %14, %18 ]
  %25 = phi i64 [ %17, %18 ]
  %pc = phi i32 [ 3, %18 ]
  %26 = sub nsw i64 %24, 3
  %27 = icmp sge i64 %26, 0
  br i1 %27, label %paid, label %refill, !prof !1

refill:                                           ; preds = %latch
  %28 = call preserve_mostcc i64 @ebpf_rt_refill(ptr %0, i64 %26, i32 3, i32 %pc)
  %29 = icmp sge i64 %28, 0
  br i1 %29, label %paid, label %end_run, !prof !1

paid:                                             ; preds = %refill, %latch
  %30 = phi i64 [ %26, %latch ], [ %28, %refill ]
  br label %12

end_run:                                          ; preds = %refill
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: mustprogress nounwind
define i64 @bpf_entry(ptr %0, i64 %1) #2 {
  %3 = call i64 @ebpf_rt_enter_quietly(ptr @bpf_program, ptr %0, i64 %1)
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter_quietly(ptr, ptr, i64) #3

attributes #0 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #1 = { cold nocallback nounwind nonlazybind willreturn }
attributes #2 = { mustprogress nounwind }
attributes #3 = { nonlazybind }

!0 = !{}
!1 = !{!"branch_weights", i32 1048575, i32 1}
