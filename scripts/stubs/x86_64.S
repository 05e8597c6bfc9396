/* The parameters that the patcher fills in, and the entry behind them. See entry.c. */
        .section .text.entry, "ax"
        .globl  parameters
parameters:
        .ascii  "bndlstub"
        .long   0, 0
        .quad   0, 0, 0
        .globl  _start
_start: endbr64
        mov     %rsp, %r12
        lea     parameters(%rip), %r13
        mov     %rdx, %r14
        lea     -24(%rsp), %rsp         /* two free words, and what a call would leave */
        jmp     prepare
        .section .note.GNU-stack, "", @progbits
