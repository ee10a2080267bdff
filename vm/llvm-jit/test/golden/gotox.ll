@bpf_program = external global i8

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #0

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.usub.sat.i64(i64, i64) #1

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite)
declare preserve_mostcc i64 @ebpf_rt_check(ptr, i64, i64, i64) #2

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(inaccessiblemem: readwrite)
declare preserve_mostcc void @ebpf_rt_fault(ptr, i64, i64) #3

; Function Attrs: cold nocallback nounwind nonlazybind willreturn
declare preserve_mostcc i64 @ebpf_rt_refill(ptr, i64, i32, i32) #4

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #5 {
  %6 = ptrtoint ptr %3 to i64
  %7 = getelementptr inbounds i64, ptr %0, i64 0
  %8 = load i64, ptr %7, align 8, !invariant.load !0
  %9 = getelementptr inbounds i64, ptr %0, i64 1
  %10 = load i64, ptr %9, align 8, !invariant.load !0
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  %11 = inttoptr i64 %6 to ptr
  %12 = call i64 @llvm.usub.sat.i64(i64 %10, i64 7)
  br label %13

13:                                               ; preds = %paid, %5
  %14 = phi ptr [ %11, %5 ], [ %28, %paid ]
  %15 = phi i64 [ %1, %5 ], [ %34, %paid ]
  %16 = getelementptr i8, ptr %14, i64 0
  %17 = ptrtoint ptr %16 to i64
  %18 = sub i64 %17, %8
  %19 = icmp ult i64 %18, %12
  br i1 %19, label %fine, label %ask, !prof !1

20:                                               ; preds = %target1
  %21 = insertvalue { i64, i64 } { i64 1, i64 poison }, i64 %15, 1
  ret { i64, i64 } %21

22:                                               ; preds = %target2
  %23 = insertvalue { i64, i64 } { i64 2, i64 poison }, i64 %15, 1
  ret { i64, i64 } %23

ask:                                              ; preds = %13
  %24 = call preserve_mostcc i64 @ebpf_rt_check(ptr %0, i64 %17, i64 2049, i64 %2)
  %25 = icmp ne i64 %24, 0
  br i1 %25, label %fine, label %end_run, !prof !1

fine:                                             ; preds = %ask, %13
  %26 = load i64, ptr %16, align 1
  %27 = getelementptr i8, ptr %14, i64 8
  switch i64 %26, label %bad_target [
    i64 -1442277780665401344, label %target
    i64 -1442277780665401340, label %target1
    i64 -1442277780665401338, label %target2
  ]

bad_target:                                       ; preds = %fine
  call preserve_mostcc void @ebpf_rt_fault(ptr %0, i64 8589934601, i64 %26)
  br label %end_run

target:                                           ; preds = %fine
  br label %latch

latch:                                            ; preds = %target
  %28 = phi ptr [ %27, %target ]
  %29 = phi i64 [ %15, %target ]
  %pc = phi i32 [ 2, %target ]
  %30 = sub nsw i64 %29, 4
  %31 = icmp sge i64 %30, 0
  br i1 %31, label %paid, label %refill, !prof !1

target1:                                          ; preds = %fine
  br label %20

target2:                                          ; preds = %fine
  br label %22

refill:                                           ; preds = %latch
  %32 = call preserve_mostcc i64 @ebpf_rt_refill(ptr %0, i64 %30, i32 4, i32 %pc)
  %33 = icmp sge i64 %32, 0
  br i1 %33, label %paid, label %end_run, !prof !1

paid:                                             ; preds = %refill, %latch
  %34 = phi i64 [ %30, %latch ], [ %32, %refill ]
  br label %13

end_run:                                          ; preds = %refill, %bad_target, %ask
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: mustprogress nounwind
define i64 @bpf_entry(ptr %0, i64 %1) #5 {
  %3 = call i64 @ebpf_rt_enter_quietly(ptr @bpf_program, ptr %0, i64 %1)
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter_quietly(ptr, ptr, i64) #6

attributes #0 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #1 = { nocallback nofree nosync nounwind speculatable willreturn memory(none) }
attributes #2 = { cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite) }
attributes #3 = { cold nocallback nounwind nonlazybind willreturn memory(inaccessiblemem: readwrite) }
attributes #4 = { cold nocallback nounwind nonlazybind willreturn }
attributes #5 = { mustprogress nounwind }
attributes #6 = { nonlazybind }

!0 = !{}
!1 = !{!"branch_weights", i32 1048575, i32 1}
