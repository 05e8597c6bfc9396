/* The parameters that the patcher fills in, and the entry behind them. See entry.c. */
        .syntax unified
        .arm
        .section .text.entry, "ax"
        .globl  parameters
parameters:
        .ascii  "bndlstub"
        .word   0, 0, 0, 0, 0, 0, 0, 0
        .globl  _start
_start: mov     r2, r0
        mov     r0, sp
        adr     r1, parameters
        sub     sp, sp, #8              /* two free words */
        blx     prepare                 /* which is Thumb code */
        .section .note.GNU-stack, "", %progbits
