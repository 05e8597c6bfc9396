/* The parameters that the patcher fills in, and the entry behind them. See entry.c. */
        .section .text.entry, "ax"
        .globl  parameters
parameters:
        .ascii  "bndlstub"
        .word   0, 0
        .xword  0, 0, 0
        .globl  _start
_start: hint    #38                     /* bti jc: the kernel guards the pages of a program that asks for it */
        sub     sp, sp, #48             /* two free words, the register of the start, and struct start */
        add     x9, sp, #48
        str     x9, [sp]
        str     x0, [sp, #16]
        mov     x2, x0
        mov     x0, sp
        adr     x1, parameters
        mov     x29, xzr
        mov     x30, xzr
        bl      prepare
        ldp     x9, x16, [sp]
        ldr     x0, [sp, #16]
        mov     sp, x9
        mov     x29, xzr
        mov     x30, xzr
        br      x16
        .section .note.GNU-stack, "", %progbits
