/* A whole file: its headers, the parameters that the packer fills in, and the entry. See launcher.c. */
        .section .text.entry, "ax"
file:   .ascii  "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0"
        .hword  3, 183                  /* position-independent, aarch64 */
        .word   1
        .xword  _start - file, segment - file, 0
        .word   0
        .hword  64, 56, 2, 64, 0, 0
segment:
        .word   1, 5                    /* the file as it lies: to be read and executed */
        .xword  0, 0, 0
        .xword  0, 0                    /* its size: the packer's */
        .xword  0x10000
        .word   0x6474e551, 6           /* no executable stack */
        .xword  0, 0, 0, 0, 0, 16
parameters:
        .ascii  "bndlexec"
        .word   0, 0
        .globl  _start
_start: hint    #38                     /* bti jc, as in the entry stub */
        mov     x0, sp
        adr     x1, parameters
        mov     x29, xzr
        mov     x30, xzr
        bl      launch
        .section .note.GNU-stack, "", %progbits
