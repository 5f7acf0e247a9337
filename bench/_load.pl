# A load for Perl: hashes of arrays, strings put together and split.
my ($n, %kept) = (shift);
for my $i (1 .. $n) {
    $kept{"key " . $i % 20000} = [ split / /, join " ", $i .. $i + 6 ];
}
my $sum = 0;
$sum += @$_ for values %kept;
print "$sum\n";
