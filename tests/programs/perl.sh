#!/bin/sh
# perl: hashes, sorting, regular expressions, closures, and a fork with a
# pipe back to the parent.
. "$(dirname "$0")/_lib.sh"
need perl

cat >words.pl <<'END'
use strict;
use warnings;
$ENV{PERL_HASH_SEED} = 0;
my (%count, @lines);
my $x = 12345;
for my $i (1 .. 150_000) {
    $x = ($x * 1103515245 + 12345) % 2147483648;
    my $word = join '', map { chr(97 + (($x >> $_) % 26)) } 3 .. 3 + $i % 9;
    $count{$word}++;
    push @lines, "$word $i" if $i % 7 == 0;
}
my @top = (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 9];
print "$_ $count{$_}\n" for @top;
print scalar(keys %count), " words, ", scalar(@lines), " lines\n";
my $text = join "\n", @lines;
my $n = () = $text =~ /\b([a-m]+)[n-z]{2,}\b/g;
print "$n matches\n";
my @subs = map { my $k = $_; sub { $k * $_[0] } } 1 .. 5000;
my $sum = 0;
$sum += $_->(3) for @subs;
print "closures: $sum\n";
pipe(my $in, my $out) or die;
my $pid = fork // die;
if (!$pid) {
    close $in;
    print $out join(',', map { length } @lines[0 .. 99]), "\n";
    exit 7;
}
close $out;
print "child: ", <$in>;
waitpid $pid, 0;
print "child ended with ", $? >> 8, "\n";
exit 3;
END

PERL_HASH_SEED=0 PERL_PERTURB_KEYS=0 same perl words.pl
names saved 'Perl_.*'
[ "$(saved_profiles | wc -l)" -eq 2 ] ||
    fail "two processes, but these profiles:" $(saved_profiles)
same perl -e 'die "on purpose\n"'
finish
