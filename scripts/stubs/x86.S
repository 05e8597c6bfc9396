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
/* A system call of up to four arguments. */
        .globl  call4
call4:  push    %ebx
        push    %esi
        mov     12(%esp), %eax
        mov     16(%esp), %ebx
        mov     20(%esp), %ecx
        mov     24(%esp), %edx
        mov     28(%esp), %esi
        int     $0x80
        pop     %esi
        pop     %ebx
        ret     $20
/* The first mmap, which takes its arguments as they lie on the stack. */
        .globl  map
map:    push    %ebx
        lea     8(%esp), %ebx
        push    $90
        pop     %eax
        int     $0x80
        pop     %ebx
        ret     $24
        .section .note.GNU-stack, "", @progbits
