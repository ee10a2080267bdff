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
  %8 = ptrtoint ptr %3 to i64
  %9 = getelementptr inbounds i64, ptr %0, i64 1
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  %10 = inttoptr i64 %6 to ptr
  %11 = call i64 @llvm.usub.sat.i64(i64 %4, i64 7)
  br label %12

12:                                               ; preds = %paid, %5
  %13 = phi ptr [ %10, %5 ], [ %27, %paid ]
  %14 = phi i64 [ %1, %5 ], [ %33, %paid ]
  %15 = getelementptr i8, ptr %13, i64 0
  %16 = ptrtoint ptr %15 to i64
  %17 = sub i64 %16, %8
  %18 = icmp ult i64 %17, %11
  br i1 %18, label %fine, label %ask, !prof !0, !bpf.input !1

19:                                               ; preds = %target1
  %20 = insertvalue { i64, i64 } { i64 1, i64 poison }, i64 %14, 1
  ret { i64, i64 } %20

21:                                               ; preds = %target2
  %22 = insertvalue { i64, i64 } { i64 2, i64 poison }, i64 %14, 1
  ret { i64, i64 } %22

ask:                                              ; preds = %12
  %23 = call preserve_mostcc i64 @ebpf_rt_check(ptr %0, i64 %16, i64 2049, i64 %2), !bpf.input !1
  %24 = icmp ne i64 %23, 0
  br i1 %24, label %fine, label %end_run, !prof !0

fine:                                             ; preds = %ask, %12
  %25 = load i64, ptr %15, align 1
  %26 = getelementptr i8, ptr %13, i64 8
  switch i64 %25, label %bad_target [
    i64 -1442277780665401344, label %target
    i64 -1442277780665401340, label %target1
    i64 -1442277780665401338, label %target2
  ]

bad_target:                                       ; preds = %fine
  call preserve_mostcc void @ebpf_rt_fault(ptr %0, i64 8589934601, i64 %25)
  br label %end_run

target:                                           ; preds = %fine
  br label %latch

latch:                                            ; preds = %target
  %27 = phi ptr [ %26, %target ]
  %28 = phi i64 [ %14, %target ]
  %pc = phi i32 [ 2, %target ]
  %29 = sub i64 %28, 4
  %30 = icmp sge i64 %29, 0
  br i1 %30, label %paid, label %refill, !prof !0

target1:                                          ; preds = %fine
  br label %19

target2:                                          ; preds = %fine
  br label %21

refill:                                           ; preds = %latch
  %31 = call preserve_mostcc i64 @ebpf_rt_refill(ptr %0, i64 %29, i32 4, i32 %pc)
  %32 = icmp sge i64 %31, 0
  br i1 %32, label %paid, label %end_run, !prof !0

paid:                                             ; preds = %refill, %latch
  %33 = phi i64 [ %29, %latch ], [ %31, %refill ]
  br label %12

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

!0 = !{!"branch_weights", i32 1048575, i32 1}
!1 = !{}
