/* Readable names of C++ functions. */
#include "analyse/demangle.h"
#include "unit.h"

#include <string.h>

static void
check(const char *got, const char *wanted, char *owned)
{
    ck_assert_msg(got && strcmp(got, wanted) == 0, "\"%s\", wanted \"%s\"",
                  got ? got : "(none)", wanted);
    free(owned);
}

static void
shortened(const char *full, const char *wanted)
{
    char *name = wr_demangle_shorten(full);
    check(name, wanted, name);
}

static void
demangled(const char *linkage, const char *wanted)
{
    char *name = wr_demangle(linkage);
    check(name, wanted, name);
}

START_TEST(the_linkers_names_are_read)
{
    demangled("_ZN3app3runEi", "app::run");
    demangled("_ZNSt6vectorIiSaIiEE9push_backEOi",
              "std::vector<int>::push_back");
    demangled("_Znwm", "operator new");
    demangled("_ZN3app3runEi.constprop.0", "app::run");
    demangled("_ZN5house4RoomIlE4keepEl", "house::Room<long>::keep");
}
END_TEST

START_TEST(names_that_are_none_of_cxx_are_not_touched)
{
    ck_assert_ptr_null(wr_demangle("main"));
    ck_assert_ptr_null(wr_demangle(""));
    ck_assert_ptr_null(wr_demangle("_Z"));
    ck_assert_ptr_null(wr_demangle("_Znonsense"));
    char name[10000];
    memset(name, 'x', sizeof name);
    memcpy(name, "_Z9994", 6);
    name[sizeof name - 1] = '\0';
    ck_assert_ptr_null(wr_demangle(name));
}
END_TEST

START_TEST(parameters_and_return_types_are_left_out)
{
    shortened("f()", "f");
    shortened("A::f(int, char const*) const", "A::f");
    shortened("A::f() const &", "A::f");
    shortened("A::f() &&", "A::f");
    shortened("A::f(int) volatile", "A::f");
    shortened("void work<int>(int)", "work<int>");
    shortened("unsigned long B::work<char>(void (*)(int))", "B::work<char>");
    shortened("std::vector<int> make<long>(long)", "make<long>");
    shortened("decltype (x()) make<long>(long)", "make<long>");
    shortened("f(int) [clone .isra.0]", "f");
    shortened("f(int) [clone .part.0] [clone .cold]", "f");
    shortened("non-virtual thunk to A::f(int)", "A::f");
    shortened("A::~A()", "A::~A");
    shortened("f[abi:cxx11](int)", "f[abi:cxx11]");
}
END_TEST

START_TEST(namespaces_without_a_name_stay)
{
    shortened("(anonymous namespace)::f(int)", "(anonymous namespace)::f");
    shortened("app::(anonymous namespace)::store<int>::add(int)",
              "app::(anonymous namespace)::store<int>::add");
    shortened("void (anonymous namespace)::f<A>(A)",
              "(anonymous namespace)::f<A>");
}
END_TEST

START_TEST(template_arguments_that_are_the_default_are_left_out)
{
    shortened("std::vector<A, std::allocator<A> >::reserve(unsigned long)",
              "std::vector<A>::reserve");
    shortened("std::map<int, B, std::less<int>, "
              "std::allocator<std::pair<int const, B> > >::at(int const&)",
              "std::map<int, B>::at");
    shortened("std::unique_ptr<A, std::default_delete<A> >::reset(A*)",
              "std::unique_ptr<A>::reset");
    shortened("std::allocator<A>::allocate(unsigned long)",
              "std::allocator<A>::allocate");
    shortened("g<std::allocator<A> >()", "g<std::allocator<A>>");
}
END_TEST

START_TEST(a_string_is_called_string)
{
    shortened("std::__cxx11::basic_string<char, std::char_traits<char>, "
              "std::allocator<char> >::_M_create(unsigned long&, unsigned "
              "long)",
              "std::string::_M_create");
    shortened("std::vector<std::__cxx11::basic_string<char, "
              "std::char_traits<char>, std::allocator<char> >, "
              "std::allocator<std::__cxx11::basic_string<char, "
              "std::char_traits<char>, std::allocator<char> > > "
              ">::push_back(int)",
              "std::vector<std::string>::push_back");
    shortened("std::__cxx11::basic_string<wchar_t, std::char_traits<wchar_t> "
              ">::f()",
              "std::basic_string<wchar_t>::f");
}
END_TEST

START_TEST(long_template_arguments_are_three_dots)
{
    shortened("f<aaaaaaaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb>()",
              "f<...>");
    shortened("A<aaaaaaaaaaaaaaaaaaaaaaaaa<bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb>, "
              "c>::f()",
              "A<...>::f");
}
END_TEST

START_TEST(operators_keep_their_signs)
{
    static const char *const names[] = {
        "A::operator()",    "A::operator[]",    "operator<<",
        "A::operator<",     "A::operator->",    "operator new[]",
        "A::operator bool", "operator\"\" _km", "A::operator=",
        "A::operator>",     "operator<=>",      "operator&&",
        "operator,",        "A::operator+=",    "operator->*"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char full[64];
        snprintf(full, sizeof full, "%s(int) const", names[i]);
        shortened(full, names[i]);
    }
    shortened("std::ostream& operator<< <char>(int)", "operator<< <char>");
    shortened("bool operator< <int>(int)", "operator< <int>");
    shortened("std::string std::operator+<char, int>(char const*, int)",
              "std::operator+<char, int>");
    shortened("A::operator-><int>()", "A::operator-><int>");
    shortened("operator<=> <A>(A)", "operator<=> <A>");
    shortened("operator==<A>(A)", "operator==<A>");
    shortened("A::operator()", "A::operator()");
    shortened("A::operator()(int)", "A::operator()");
    shortened("my_operator(int)", "my_operator");
    shortened("operators::f(int)", "operators::f");
}
END_TEST

START_TEST(lambdas_lose_their_parameters)
{
    shortened("app::run(int)::{lambda(int, char)#2}::operator()(int, char) "
              "const",
              "app::run::{lambda#2}::operator()");
    shortened("void each<f(int)::{lambda(int)#1}>(f(int)::{lambda(int)#1})",
              "each<f(int)::{lambda(int)#1}>");
    shortened("A::get() const::{lambda()#1}::operator()() const",
              "A::get::{lambda#1}::operator()");
    shortened("f(int)::{unnamed type#1}::g()", "f::{unnamed type#1}::g");
}
END_TEST

START_TEST(types_of_functions_in_template_arguments_stay)
{
    shortened("std::function<int (int, char)>::operator()(int, char) const",
              "std::function<int (int, char)>::operator()");
    shortened("void call<void (*)(int)>(void (*)(int))", "call<void (*)(int)>");
    shortened("f<(Kind)1, (char)60>()", "f<(Kind)1, (char)60>");
    shortened("f<((3)>(2))>()", "f<((3)>(2))>");
}
END_TEST

START_TEST(the_hash_of_a_rust_name_is_cut)
{
    demangled("_ZN4core3ptr4drop17h0123456789abcdefE", "core::ptr::drop");
    shortened("core::ptr::h0123456789abcdeg", "core::ptr::h0123456789abcdeg");
}
END_TEST

START_TEST(what_is_not_understood_stays_whole)
{
    shortened("int (*f(char))(double)", "int (*f(char))(double)");
    shortened("", "");
    shortened("f<", "f<");
    shortened("f)", "f)");
    shortened("f<a(", "f<a");
    shortened(")", ")");
    shortened("{lambda(", "{lambda");
}
END_TEST

/* Any bytes: nothing is written past the name's length (the sanitizers see
 * it), and there is always an answer. */
START_TEST(any_bytes_have_some_name)
{
    static const char signs[] = "a:<>(){}[], &operatorconststd::__cxx11::";
    uint64_t x = 4711;
    for (int round = 0; round < 20000; round++) {
        char full[64];
        size_t n = (size_t)round % 60;
        for (size_t i = 0; i < n; i++) {
            x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
            full[i] = signs[(x >> 33) % (sizeof signs - 1)];
        }
        full[n] = '\0';
        char *name = wr_demangle_shorten(full);
        ck_assert_uint_le(strlen(name), n);
        free(name);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("analyse/demangle");
    TCase *tests = tcase_create("demangle");
    tcase_add_test(tests, the_linkers_names_are_read);
    tcase_add_test(tests, names_that_are_none_of_cxx_are_not_touched);
    tcase_add_test(tests, parameters_and_return_types_are_left_out);
    tcase_add_test(tests, namespaces_without_a_name_stay);
    tcase_add_test(tests, template_arguments_that_are_the_default_are_left_out);
    tcase_add_test(tests, a_string_is_called_string);
    tcase_add_test(tests, long_template_arguments_are_three_dots);
    tcase_add_test(tests, operators_keep_their_signs);
    tcase_add_test(tests, lambdas_lose_their_parameters);
    tcase_add_test(tests, types_of_functions_in_template_arguments_stay);
    tcase_add_test(tests, the_hash_of_a_rust_name_is_cut);
    tcase_add_test(tests, what_is_not_understood_stays_whole);
    tcase_add_test(tests, any_bytes_have_some_name);
    suite_add_tcase(suite, tests);
    return unit_main(suite);
}
