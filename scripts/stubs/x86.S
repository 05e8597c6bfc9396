/* The parameters that the patcher fills in, and the entry behind them. See entry.c. */
        .section .text.entry, "ax"
        .globl  parameters
parameters:
        .ascii  "bndlstub"
        .long   0, 0, 0, 0, 0, 0, 0, 0
        .globl  _start
_start: mov     %esp, %eax
        call    1f
1:      pop     %ecx
        sub     $(1b - parameters), %ecx
        sub     $16, %esp               /* two free words, and the arguments on a stack that is aligned */
        push    %eax
        push    %edx
        push    %ecx
        push    %eax
        call    prepare
        .section .note.GNU-stack, "", @progbits
