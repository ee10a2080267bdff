@bpf_program = external global i8

; Function Attrs: nocallback nofree nounwind willreturn memory(argmem: write)
declare void @llvm.memset.p0.i64(ptr nocapture writeonly, i8, i64, i1 immarg) #0

; Function Attrs: nocallback nofree nosync nounwind speculatable willreturn memory(none)
declare i64 @llvm.usub.sat.i64(i64, i64) #1

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite)
declare preserve_mostcc i64 @ebpf_rt_check(ptr, i64, i64, i64) #2

; Function Attrs: cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite)
declare preserve_mostcc void @ebpf_rt_misaligned(ptr, i64, i64, i64) #2

; Function Attrs: mustprogress nounwind
define { i64, i64 } @bpf_main(ptr noalias readonly dereferenceable(32) %0, i64 %1, i64 %2, ptr %3, i64 %4) #3 {
  %6 = ptrtoint ptr %3 to i64
  %7 = getelementptr inbounds i64, ptr %0, i64 0
  %8 = load i64, ptr %7, align 8, !invariant.load !0
  %9 = getelementptr inbounds i64, ptr %0, i64 1
  %10 = load i64, ptr %9, align 8, !invariant.load !0
  %frame = alloca [512 x i8], align 16
  call void @llvm.memset.p0.i64(ptr align 16 %frame, i8 0, i64 512, i1 false)
  %r10 = getelementptr inbounds i8, ptr %frame, i64 512
  %11 = inttoptr i64 %6 to ptr
  %12 = call i64 @llvm.usub.sat.i64(i64 %10, i64 3)
  %13 = call i64 @llvm.usub.sat.i64(i64 %10, i64 7)
  %14 = call i64 @llvm.usub.sat.i64(i64 %10, i64 1)
  %15 = call i64 @llvm.usub.sat.i64(i64 %10, i64 0)
  br label %16

16:                                               ; preds = %5
  %17 = getelementptr i8, ptr %r10, i64 -8
  %18 = add i64 %2, -8
  %19 = atomicrmw add ptr %17, i64 1 monotonic, align 8
  %20 = getelementptr i8, ptr %11, i64 4
  %21 = ptrtoint ptr %20 to i64
  %22 = sub i64 %21, %8
  %23 = icmp ult i64 %22, %12
  br i1 %23, label %fine, label %ask, !prof !1

ask:                                              ; preds = %16
  %24 = call preserve_mostcc i64 @ebpf_rt_check(ptr %0, i64 %21, i64 8589935619, i64 %2)
  %25 = icmp ne i64 %24, 0
  br i1 %25, label %fine, label %end_run, !prof !1

fine:                                             ; preds = %ask, %16
  %26 = and i64 %21, 3
  %27 = icmp eq i64 %26, 0
  br i1 %27, label %aligned, label %misaligned, !prof !1

misaligned:                                       ; preds = %fine
  call preserve_mostcc void @ebpf_rt_misaligned(ptr %0, i64 %21, i64 8589935619, i64 %2)
  br label %end_run

aligned:                                          ; preds = %fine
  %28 = atomicrmw or ptr %20, i32 1 seq_cst, align 4
  %29 = zext i32 %28 to i64
  %30 = getelementptr i8, ptr %11, i64 8
  %31 = ptrtoint ptr %30 to i64
  %32 = sub i64 %31, %8
  %33 = icmp ult i64 %32, %13
  br i1 %33, label %fine2, label %ask1, !prof !1

ask1:                                             ; preds = %aligned
  %34 = call preserve_mostcc i64 @ebpf_rt_check(ptr %0, i64 %31, i64 12884903939, i64 %2)
  %35 = icmp ne i64 %34, 0
  br i1 %35, label %fine2, label %end_run, !prof !1

fine2:                                            ; preds = %ask1, %aligned
  %36 = and i64 %31, 7
  %37 = icmp eq i64 %36, 0
  br i1 %37, label %aligned4, label %misaligned3, !prof !1

misaligned3:                                      ; preds = %fine2
  call preserve_mostcc void @ebpf_rt_misaligned(ptr %0, i64 %31, i64 12884903939, i64 %2)
  br label %end_run

aligned4:                                         ; preds = %fine2
  %38 = cmpxchg ptr %30, i64 %29, i64 %4 seq_cst seq_cst, align 8
  %39 = extractvalue { i64, i1 } %38, 0
  %40 = getelementptr i8, ptr %11, i64 0
  %41 = ptrtoint ptr %40 to i64
  %42 = sub i64 %41, %8
  %43 = icmp ult i64 %42, %14
  br i1 %43, label %fine6, label %ask5, !prof !1

ask5:                                             ; preds = %aligned4
  %44 = call preserve_mostcc i64 @ebpf_rt_check(ptr %0, i64 %41, i64 17179869697, i64 %2)
  %45 = icmp ne i64 %44, 0
  br i1 %45, label %fine6, label %end_run, !prof !1

fine6:                                            ; preds = %ask5, %aligned4
  %46 = and i64 %41, 1
  %47 = icmp eq i64 %46, 0
  br i1 %47, label %aligned8, label %misaligned7, !prof !1

misaligned7:                                      ; preds = %fine6
  call preserve_mostcc void @ebpf_rt_misaligned(ptr %0, i64 %41, i64 17179869697, i64 %2)
  br label %end_run

aligned8:                                         ; preds = %fine6
  %48 = load atomic i16, ptr %40 acquire, align 2
  %49 = zext i16 %48 to i64
  %50 = trunc i64 %49 to i8
  %51 = getelementptr i8, ptr %11, i64 0
  %52 = ptrtoint ptr %51 to i64
  %53 = sub i64 %52, %8
  %54 = icmp ult i64 %53, %15
  br i1 %54, label %fine10, label %ask9, !prof !1

ask9:                                             ; preds = %aligned8
  %55 = call preserve_mostcc i64 @ebpf_rt_check(ptr %0, i64 %52, i64 21474836738, i64 %2)
  %56 = icmp ne i64 %55, 0
  br i1 %56, label %fine10, label %end_run, !prof !1

fine10:                                           ; preds = %ask9, %aligned8
  store atomic i8 %50, ptr %51 release, align 1
  %57 = insertvalue { i64, i64 } poison, i64 %39, 0
  %58 = insertvalue { i64, i64 } %57, i64 %1, 1
  ret { i64, i64 } %58

end_run:                                          ; preds = %ask9, %misaligned7, %ask5, %misaligned3, %ask1, %misaligned, %ask
  ret { i64, i64 } { i64 0, i64 -1 }
}

; Function Attrs: mustprogress nounwind
define i64 @bpf_entry(ptr %0, i64 %1) #3 {
  %3 = call i64 @ebpf_rt_enter_quietly(ptr @bpf_program, ptr %0, i64 %1)
  ret i64 %3
}

; Function Attrs: nonlazybind
declare i64 @ebpf_rt_enter_quietly(ptr, ptr, i64) #4

attributes #0 = { nocallback nofree nounwind willreturn memory(argmem: write) }
attributes #1 = { nocallback nofree nosync nounwind speculatable willreturn memory(none) }
attributes #2 = { cold nocallback nounwind nonlazybind willreturn memory(read, inaccessiblemem: readwrite) }
attributes #3 = { mustprogress nounwind }
attributes #4 = { nonlazybind }

!0 = !{}
!1 = !{!"branch_weights", i32 1048575, i32 1}
