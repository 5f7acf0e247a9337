# Rows "megabytes heap milliseconds" as a picture, both axes by powers of ten:
#     awk -v machine="..." -f _growth.awk rows >growth.svg
function x(mb) { return 70 + (log(mb) - log(lox)) / (log(hix) - log(lox)) * 520 }
function y(ms) { return 350 - (log(ms) - log(loy)) / (log(hiy) - log(loy)) * 310 }
function text(at_x, at_y, how, what) {
    printf "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n",
        at_x, at_y, how, what
}
function ten(n) { return exp(int(log(n) / log(10) + (n >= 1 ? 1e-9 : -0.999999)) * log(10)) }
{
    mb[NR] = $1; heap[NR] = $2; ms[NR] = $3
    if (!($2 in line)) order[++heaps] = $2
    if (lox == 0 || $1 < lox) lox = $1
    if ($1 > hix) hix = $1
    if (loy == 0 || $3 < loy) loy = $3
    if ($3 > hiy) hiy = $3
    line[$2] = line[$2] " " NR
}
END {
    color["weir"] = "#0b6e4f"; color["boehm"] = "#b23a48"; color["go"] = "#3a6ea5"
    lox = ten(lox); hix = ten(hix) * 10; loy = ten(loy); hiy = ten(hiy) * 10
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\" height=\"410\"" \
        " font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">"
    print "<rect width=\"640\" height=\"410\" fill=\"#fff\"/>"
    text(70, 20, "start", "Milliseconds a cycle, by live megabytes (" machine ")")
    for (v = lox; v <= hix * 1.001; v *= 10) {
        printf "<path d=\"M%.1f 40V350\" stroke=\"#ddd\"/>\n", x(v)
        text(x(v), 368, "middle", v " MB")
    }
    for (v = loy; v <= hiy * 1.001; v *= 10) {
        printf "<path d=\"M70 %.1fH590\" stroke=\"#ddd\"/>\n", y(v)
        text(62, y(v) + 4, "end", v)
    }
    for (h = 1; h <= heaps; h++) {
        n = split(line[order[h]], row, " ")
        d = ""
        for (i = 1; i <= n; i++)
            d = d (i == 1 ? "M" : "L") sprintf("%.1f %.1f", x(mb[row[i]]), y(ms[row[i]]))
        printf "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"/>\n",
            d, color[order[h]]
        for (i = 1; i <= n; i++)
            printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>\n",
                x(mb[row[i]]), y(ms[row[i]]), color[order[h]]
        printf "<rect x=\"%d\" y=\"388\" width=\"12\" height=\"4\" fill=\"%s\"/>\n",
            70 + 90 * (h - 1), color[order[h]]
        text(88 + 90 * (h - 1), 395, "start", order[h])
    }
    print "</svg>"
}
