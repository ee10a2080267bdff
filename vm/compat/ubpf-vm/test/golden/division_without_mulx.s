# bmi2: off
div r1, 0
div r1, 1
div r1, 16
mod r1, 16
div r1, 10
mod r1, 10
div r3, 7
div32 r1, 10
mod32 r3, 1000
exit
