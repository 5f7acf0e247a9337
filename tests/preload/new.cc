// The operators of C++: libstdc++ forwards them to the malloc family.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

static int failed;
#define expect(condition)                                                      \
    ((condition) ? (void)0                                                     \
                 : (failed++, (void)fprintf(stderr, "%d: not so: %s\n",        \
                                            __LINE__, #condition)))

struct alignas(256) wide {
    char bytes[300];
};

static bool
aligned(const void *p, std::size_t a)
{
    return reinterpret_cast<std::uintptr_t>(p) % a == 0;
}

static void
plain_and_array()
{
    for (std::size_t n = 0; n < 200000; n = n * 3 + 1) {
        void *p = ::operator new(n), *q = ::operator new[](n);
        expect(p && q && p != q && aligned(p, 16) && aligned(q, 16));
        ::operator delete(p, n);
        ::operator delete[](q);
    }
}

static void
over_aligned()
{
    for (std::size_t a = 16; a <= 1u << 20; a *= 2) {
        void *p = ::operator new(a / 2 + 1, std::align_val_t(a));
        expect(aligned(p, a));
        ::operator delete(p, std::align_val_t(a));
    }
    auto many = std::make_unique<wide[]>(17);
    expect(aligned(many.get(), 256));
    wide *one = new wide;
    expect(aligned(one, 256));
    delete one;
}

static volatile std::size_t huge = SIZE_MAX / 2;

static void
out_of_memory()
{
    bool thrown = false;
    try {
        ::operator delete(::operator new(huge));
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    expect(thrown);
    expect(::operator new(huge, std::nothrow) == nullptr);
    expect(::operator new(huge, std::align_val_t(64), std::nothrow) == nullptr);
    thrown = false;
    try {
        std::vector<long> v(huge / 32);
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    expect(thrown);
}

static void
containers()
{
    std::map<int, std::string> m;
    for (int i = 0; i < 20000; i++)
        m[i * 7919 % 20011] = std::string(std::size_t(i % 97), 'x');
    std::vector<std::thread> pool;
    for (int t = 0; t < 4; t++)
        pool.emplace_back([copy = m]() mutable { copy.clear(); });
    for (auto &t : pool)
        t.join();
    expect(m.size() == 20000);
}

static void
exceptions()
{
    for (int i = 0; i < 2000; i++) {
        try {
            throw std::string(std::size_t(i), 'e');
        } catch (const std::string &s) {
            expect(s.size() == std::size_t(i));
        }
    }
}

// Its destructor runs while the thread ends, and allocates once more.
struct leaving {
    std::string kept = std::string(1000, 'k');
    ~leaving()
    {
        std::vector<std::string> many(50, kept);
        expect(many.back().size() == 1000);
    }
};

static void
thread_local_objects()
{
    for (int i = 0; i < 200; i++)
        std::thread([] {
            static thread_local leaving object;
            expect(object.kept[999] == 'k');
        }).join();
}

int
main()
{
    thread_local_objects();
    plain_and_array();
    over_aligned();
    out_of_memory();
    containers();
    exceptions();
    std::puts(failed ? "NOT OK" : "ok new and delete");
    return failed != 0;
}
