@bpf_program = external global i8

; Function Attrs: mustprogress nounwind
define internal fastcc { i64, i64 } @f0(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, i64 %3, i64 %4, i64 %5, i64 %6, i64 %7) #0 {
  %9 = getelementptr inbounds i64, ptr %0, i64 0
  %10 = load i64, ptr %9, align 8, !invariant.load !0
  %11 = getelementptr inbounds i64, ptr %0, i64 1
  %12 = load i64, ptr %11, align 8, !invariant.load !0
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  br label %13

13:                                               ; preds = %8
  br label %14

14:                                               ; preds = %refill, %pays, %13
  %15 = phi i64 [ 0, %13 ], [ %21, %pays ], [ %21, %refill ]
  %16 = phi i64 [ %1, %13 ], [ %25, %pays ], [ %27, %refill ]
  %17 = phi i64 [ 8388608, %13 ], [ %19, %pays ], [ %19, %refill ]
  %18 = icmp eq i64 %17, 0
  %19 = sub i64 %17, 1
  br i1 %18, label %22, label %tries

20:                                               ; preds = %tries
  %21 = add i64 %15, 1
  br label %pays

22:                                               ; preds = %14
  %23 = insertvalue { i64, i64 } poison, i64 %15, 0
  %24 = insertvalue { i64, i64 } %23, i64 %16, 1
  ret { i64, i64 } %24

tries:                                            ; preds = %14
  br label %20

pays:                                             ; preds = %20
  %25 = sub nsw i64 %16, 3
  %26 = icmp sge i64 %25, 0
  br i1 %26, label %14, label %refill, !prof !1

refill:                                           ; preds = %pays
  %27 = call i64 @ebpf_rt_refill(ptr %0, i64 %25, i32 3, i32 3)
  %28 = icmp sge i64 %27, 0
  br i1 %28, label %14, label %end_run, !prof !1

end_run:                                          ; preds = %refill
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #1

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_refill(ptr, i64, i32, i32) #2

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #0 {
  %6 = ptrtoint ptr %3 to i64
  %7 = call fastcc { i64, i64 } @f0(ptr %0, i64 %1, i64 %2, i64 %6, i64 %4, i64 0, i64 0, i64 0)
  ret { i64, i64 } %7
}

; Function Attrs: mustprogress uwtable
define i64 @bpf_entry(ptr %0, i64 %1) #3 {
  %3 = call i64 @ebpf_rt_enter(ptr @bpf_program, ptr %0, i64 %1)
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter(ptr, ptr, i64) #2

attributes #0 = { mustprogress nounwind }
attributes #1 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #2 = { nonlazybind }
attributes #3 = { mustprogress uwtable }

!0 = !{}
!1 = !{!"branch_weights", i32 1048575, i32 1}
