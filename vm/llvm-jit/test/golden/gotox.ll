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
  %13 = inttoptr i64 %3 to ptr
  %14 = call i64 @llvm.usub.sat.i64(i64 %12, i64 7)
  br label %15

15:                                               ; preds = %refill, %pays, %8
  %16 = phi ptr [ %13, %8 ], [ %29, %pays ], [ %29, %refill ]
  %17 = phi i64 [ %1, %8 ], [ %30, %pays ], [ %32, %refill ]
  %18 = getelementptr i8, ptr %16, i64 0
  %19 = ptrtoint ptr %18 to i64
  %20 = sub i64 %19, %10
  %21 = icmp ult i64 %20, %14
  br i1 %21, label %fine, label %ask, !prof !1

22:                                               ; preds = %target1
  %23 = insertvalue { i64, i64 } { i64 1, i64 poison }, i64 %17, 1
  ret { i64, i64 } %23

24:                                               ; preds = %target2
  %25 = insertvalue { i64, i64 } { i64 2, i64 poison }, i64 %17, 1
  ret { i64, i64 } %25

ask:                                              ; preds = %15
  %26 = call i64 @ebpf_rt_check(ptr %0, i64 %19, i64 2049, i64 %2)
  %27 = icmp ne i64 %26, 0
  br i1 %27, label %fine, label %end_run, !prof !1

fine:                                             ; preds = %ask, %15
  %28 = load i64, ptr %18, align 1
  %29 = getelementptr i8, ptr %16, i64 8
  switch i64 %28, label %bad_target [
    i64 -1442277780665401344, label %target
    i64 -1442277780665401340, label %target1
    i64 -1442277780665401338, label %target2
  ]

bad_target:                                       ; preds = %fine
  call void @ebpf_rt_fault(ptr %0, i64 8589934601, i64 %28)
  br label %end_run

target:                                           ; preds = %fine
  br label %pays

pays:                                             ; preds = %target
  %30 = sub nsw i64 %17, 3
  %31 = icmp sge i64 %30, 0
  br i1 %31, label %15, label %refill, !prof !1

refill:                                           ; preds = %pays
  %32 = call i64 @ebpf_rt_refill(ptr %0, i64 %30, i32 3, i32 2)
  %33 = icmp sge i64 %32, 0
  br i1 %33, label %15, label %end_run, !prof !1

target1:                                          ; preds = %fine
  br label %22

target2:                                          ; preds = %fine
  br label %24

end_run:                                          ; preds = %bad_target, %refill, %ask
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #1

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.usub.sat.i64(i64, i64) #2

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite)
declare i64 @ebpf_rt_check(ptr, i64, i64, i64) #3

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_refill(ptr, i64, i32, i32) #4

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(inaccessiblemem: readwrite)
declare void @ebpf_rt_fault(ptr, i64, i64) #5

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #0 {
  %6 = ptrtoint ptr %3 to i64
  %7 = call fastcc { i64, i64 } @f0(ptr %0, i64 %1, i64 %2, i64 %6, i64 %4, i64 0, i64 0, i64 0)
  ret { i64, i64 } %7
}

; Function Attrs: mustprogress uwtable
define i64 @bpf_entry(ptr %0, i64 %1) #6 {
  %3 = call i64 @ebpf_rt_enter(ptr @bpf_program, ptr %0, i64 %1)
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter(ptr, ptr, i64) #4

attributes #0 = { mustprogress nounwind }
attributes #1 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #2 = { nocallback nofree nosync nounwind speculatable willreturn memory(none) }
attributes #3 = { cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite) }
attributes #4 = { nonlazybind }
attributes #5 = { cold nocallback nounwind nonlazybind willreturn memory(inaccessiblemem: readwrite) }
attributes #6 = { mustprogress uwtable }

!0 = !{}
!1 = !{!"branch_weights", i32 1048575, i32 1}
