/* LeakSanitizer's interface, <sanitizer/lsan_interface.h>, for programs that
 * look for it by weak references: what they say of their memory there holds
 * here. Not there is the check that ends the program by itself; what asks to
 * search at the end is WEIR=leaks. */
#include <stddef.h>
#include <unistd.h>
#include <weir/leak.h>

#include "base/base.h"

WR_EXPORT void __lsan_disable(void);
WR_EXPORT void __lsan_enable(void);
WR_EXPORT void __lsan_ignore_object(const void *p);
WR_EXPORT void __lsan_register_root_region(const void *p, size_t bytes);
WR_EXPORT void __lsan_unregister_root_region(const void *p, size_t bytes);
WR_EXPORT int __lsan_do_recoverable_leak_check(void);

void
__lsan_disable(void)
{
    weir_leak_ignore_begin();
}

void
__lsan_enable(void)
{
    weir_leak_ignore_end();
}

void
__lsan_ignore_object(const void *p)
{
    (void)weir_leak_ignore(p);
}

void
__lsan_register_root_region(const void *p, size_t bytes)
{
    (void)weir_root_add(p, bytes);
}

void
__lsan_unregister_root_region(const void *p, size_t bytes)
{
    (void)bytes;
    (void)weir_root_remove(p);
}

int
__lsan_do_recoverable_leak_check(void)
{
    uint64_t blocks = 0;

    return weir_leak_print(STDERR_FILENO, &blocks) == WEIR_OK && blocks > 0;
}
