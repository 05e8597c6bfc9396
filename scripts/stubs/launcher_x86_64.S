/* A whole file: its headers, the parameters that the packer fills in, and the entry. See launcher.c. */
        .section .text.entry, "ax"
file:   .ascii  "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0"
        .short  3, 62                   /* position-independent, x86-64 */
        .long   1
        .quad   _start - file, segment - file, 0
        .long   0
        .short  64, 56, 2, 64, 0, 0
segment:
        .long   1, 5                    /* the file as it lies: to be read and executed */
        .quad   0, 0, 0
        .quad   0, 0                    /* its size: the packer's */
        .quad   0x10000
        .long   0x6474e551, 6           /* no executable stack */
        .quad   0, 0, 0, 0, 0, 16
parameters:
        .ascii  "bndlexec"
        .long   0, 0
        .globl  _start
_start: endbr64
        mov     %rsp, %rdi
        lea     parameters(%rip), %rsi
        xor     %ebp, %ebp
        cld
        call    launch
        .section .note.GNU-stack, "", @progbits
