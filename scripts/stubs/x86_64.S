/* The parameters that the patcher fills in, and the entry behind them. See entry.c. */
        .section .text.entry, "ax"
        .globl  parameters
parameters:
        .ascii  "bndlstub"
        .long   0, 0
        .quad   0, 0, 0
        .globl  _start
_start: endbr64
        sub     $48, %rsp               /* two free words, the register of the start, and struct start */
        lea     48(%rsp), %rax
        mov     %rax, (%rsp)
        mov     %rdx, 16(%rsp)
        mov     %rsp, %rdi
        lea     parameters(%rip), %rsi
        xor     %ebp, %ebp
        cld
        call    prepare
        mov     8(%rsp), %rax
        mov     16(%rsp), %rdx
        mov     (%rsp), %rsp
        jmp     *%rax
        .section .note.GNU-stack, "", @progbits
