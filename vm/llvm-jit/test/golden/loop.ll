@bpf_program = external global i8

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #0

; Function Attrs: cold nocallback nounwind nonlazybind willreturn
declare preserve_mostcc i64 @ebpf_rt_refill(ptr, i64, i32, i32) #1

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #2 {
  %6 = ptrtoint ptr %3 to i64
  %7 = getelementptr inbounds i64, ptr %0, i64 0
  %8 = ptrtoint ptr %3 to i64
  %9 = getelementptr inbounds i64, ptr %0, i64 1
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  br label %10

10:                                               ; preds = %5
  br label %11

11:                                               ; preds = %paid, %10
  %12 = phi i64 [ 0, %10 ], [ %21, %paid ]
  %13 = phi i64 [ %4, %10 ], [ %22, %paid ]
  %14 = phi i64 [ %1, %10 ], [ %28, %paid ]
  %15 = add i64 %12, %13
  %16 = sub i64 %13, 1
  %17 = icmp ne i64 %16, 0
  br i1 %17, label %latch, label %18

18:                                               ; preds = %11
  %19 = insertvalue { i64, i64 } poison, i64 %15, 0
  %20 = insertvalue { i64, i64 } %19, i64 %14, 1
  ret { i64, i64 } %20

latch:                                            ; preds = %11
  %21 = phi i64 [ %15, %11 ]
  %22 = phi i64 [ %16, %11 ]
  %23 = phi i64 [ %14, %11 ]
  %pc = phi i32 [ 3, %11 ]
  %24 = sub i64 %23, 3
  %25 = icmp sge i64 %24, 0
  br i1 %25, label %paid, label %refill, !prof !0

refill:                                           ; preds = %latch
  %26 = call preserve_mostcc i64 @ebpf_rt_refill(ptr %0, i64 %24, i32 3, i32 %pc)
  %27 = icmp sge i64 %26, 0
  br i1 %27, label %paid, label %end_run, !prof !0

paid:                                             ; preds = %refill, %latch
  %28 = phi i64 [ %24, %latch ], [ %26, %refill ]
  br label %11

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

!0 = !{!"branch_weights", i32 1048575, i32 1}
