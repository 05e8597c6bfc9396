/* The parameters that the patcher fills in, and the entry behind them. See entry.c. */
        .section .text.entry, "ax"
        .globl  parameters
parameters:
        .ascii  "bndlstub"
        .word   0, 0
        .xword  0, 0, 0
        .globl  _start
_start: hint    #38                     /* bti jc: the kernel guards the pages of a program that asks for it */
        mov     x20, sp
        adr     x21, parameters
        mov     x22, x0
        sub     sp, sp, #16             /* two free words */
        b       prepare
        .section .note.GNU-stack, "", %progbits
