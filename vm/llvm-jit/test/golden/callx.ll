@bpf_program = external global i8

; Function Attrs: mustprogress uwtable
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

15:                                               ; preds = %8
  %16 = getelementptr i8, ptr %13, i64 0
  %17 = ptrtoint ptr %16 to i64
  %18 = sub i64 %17, %10
  %19 = icmp ult i64 %18, %14
  br i1 %19, label %fine, label %ask, !prof !1, !bpf.input !0

ask:                                              ; preds = %15
  %20 = call preserve_mostcc i64 @ebpf_rt_check(ptr %0, i64 %17, i64 2049, i64 %2), !bpf.input !0
  %21 = icmp ne i64 %20, 0
  br i1 %21, label %fine, label %end_run, !prof !1

fine:                                             ; preds = %ask, %15
  %22 = load i64, ptr %16, align 1
  %23 = ptrtoint ptr %13 to i64
  %24 = call fastcc { i64, i64 } @call_value(ptr %0, i64 %1, i64 %2, i64 %23, i64 %4, i64 %22, i64 %6, i64 %7, i64 %22, i32 1)
  %25 = extractvalue { i64, i64 } %24, 0
  %26 = extractvalue { i64, i64 } %24, 1
  %27 = icmp sge i64 %26, 0
  br i1 %27, label %returned, label %end_run, !prof !1

returned:                                         ; preds = %fine
  %28 = insertvalue { i64, i64 } poison, i64 %25, 0
  %29 = insertvalue { i64, i64 } %28, i64 %26, 1
  ret { i64, i64 } %29

end_run:                                          ; preds = %fine, %ask
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: mustprogress uwtable
define internal fastcc { i64, i64 } @call_value(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, i64 %3, i64 %4, i64 %5, i64 %6, i64 %7, i64 %8, i32 %9) #0 {
  switch i64 %8, label %helper [
    i64 -1442277780665401344, label %function
  ]

end_run:                                          ; preds = %helper, %too_deep, %refill
  ret { i64, i64 } { i64 0, i64 -1 }

helper:                                           ; preds = %10
  %words = alloca [5 x i64], align 8
  %11 = getelementptr inbounds i64, ptr %words, i64 0
  store i64 %3, ptr %11, align 8
  %12 = getelementptr inbounds i64, ptr %words, i64 1
  store i64 %4, ptr %12, align 8
  %13 = getelementptr inbounds i64, ptr %words, i64 2
  store i64 %5, ptr %13, align 8
  %14 = getelementptr inbounds i64, ptr %words, i64 3
  store i64 %6, ptr %14, align 8
  %15 = getelementptr inbounds i64, ptr %words, i64 4
  store i64 %7, ptr %15, align 8
  %16 = call i64 @ebpf_rt_call_value(ptr %0, i64 %8, i32 %9, ptr %words, i64 %2)
  %17 = icmp eq i64 %16, 1
  br i1 %17, label %called, label %end_run, !prof !1

function:                                         ; preds = %10
  %18 = sub i64 %1, 3
  %19 = icmp sge i64 %18, 0
  br i1 %19, label %paid, label %refill, !prof !1

refill:                                           ; preds = %function
  %20 = call preserve_mostcc i64 @ebpf_rt_refill(ptr %0, i64 %18, i32 3, i32 %9)
  %21 = icmp sge i64 %20, 0
  br i1 %21, label %paid, label %end_run, !prof !1

paid:                                             ; preds = %refill, %function
  %22 = phi i64 [ %18, %function ], [ %20, %refill ]
  %23 = zext i32 %9 to i64
  %24 = shl i64 %23, 32
  %25 = or i64 %24, 5
  %26 = getelementptr inbounds i64, ptr %0, i64 2
  %27 = load i64, ptr %26, align 8, !invariant.load !0
  %28 = icmp ne i64 %2, %27
  br i1 %28, label %deeper, label %too_deep, !prof !1

too_deep:                                         ; preds = %paid
  call preserve_mostcc void @ebpf_rt_fault(ptr %0, i64 %25, i64 0)
  br label %end_run

deeper:                                           ; preds = %paid
  %29 = sub i64 %2, 1024
  %30 = call fastcc { i64, i64 } @f0(ptr %0, i64 %22, i64 %29, i64 %3, i64 %4, i64 %5, i64 %6, i64 %7)
  ret { i64, i64 } %30

called:                                           ; preds = %helper
  %31 = load i64, ptr %words, align 8
  %32 = insertvalue { i64, i64 } poison, i64 %31, 0
  %33 = insertvalue { i64, i64 } %32, i64 %1, 1
  ret { i64, i64 } %33
}

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #1

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.usub.sat.i64(i64, i64) #2

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite)
declare preserve_mostcc i64 @ebpf_rt_check(ptr, i64, i64, i64) #3

; Function Attrs: cold nocallback nounwind nonlazybind willreturn
declare preserve_mostcc i64 @ebpf_rt_refill(ptr, i64, i32, i32) #4

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(inaccessiblemem: readwrite)
declare preserve_mostcc void @ebpf_rt_fault(ptr, i64, i64) #5

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_call_value(ptr, i64, i32, ptr, i64) #6

; Function Attrs: mustprogress uwtable
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #0 {
  %6 = ptrtoint ptr %3 to i64
  %7 = call fastcc { i64, i64 } @f0(ptr %0, i64 %1, i64 %2, i64 %6, i64 %4, i64 0, i64 0, i64 0)
  ret { i64, i64 } %7
}

; Function Attrs: mustprogress uwtable
define i64 @bpf_entry(ptr %0, i64 %1) #0 {
  %3 = call i64 @ebpf_rt_enter(ptr @bpf_program, ptr %0, i64 %1)
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter(ptr, ptr, i64) #6

attributes #0 = { mustprogress uwtable }
attributes #1 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #2 = { nocallback nofree nosync nounwind speculatable willreturn memory(none) }
attributes #3 = { cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite) }
attributes #4 = { cold nocallback nounwind nonlazybind willreturn }
attributes #5 = { cold nocallback nounwind nonlazybind willreturn memory(inaccessiblemem: readwrite) }
attributes #6 = { nonlazybind }

!0 = !{}
!1 = !{!"branch_weights", i32 1048575, i32 1}
