/* The parameters that the patcher fills in, and the entry behind them. See entry.c. */
        .section .text.entry, "ax"
        .globl  parameters
parameters:
        .ascii  "bndlstub"
        .word   0, 0
        .dword  0, 0, 0
        .globl  _start
_start: mv      a2, a0
        mv      a0, sp
        lla     a1, parameters
        addi    sp, sp, -16             /* two free words */
        tail    prepare
        .section .note.GNU-stack, "", %progbits
