// Writes profiles of every kind that Go makes, and odd but legal ones, into
// the directory that is its argument: what reports are compared on.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
)

var kept [][]byte

//go:noinline
func grow(n int) { kept = append(kept, make([]byte, n)) }

func smallOnes() {
	for i := 0; i < 4000; i++ {
		grow(64 + i%7*100)
	}
}

func bigOnes(depth int) {
	if depth > 0 {
		bigOnes(depth - 1)
		return
	}
	for i := 0; i < 20; i++ {
		grow(100000 + i*1000)
	}
}

func spin(until time.Time) (n int) {
	for time.Now().Before(until) {
		n++
	}
	return n
}

func contend() {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := 0; i < 4; i++ {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for j := 0; j < 20; j++ {
				mu.Lock()
				time.Sleep(time.Millisecond)
				mu.Unlock()
			}
		}()
	}
	wg.Wait()
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func save(path string, debug int, name string) {
	f, err := os.Create(path)
	check(err)
	check(pprof.Lookup(name).WriteTo(f, debug))
	check(f.Close())
}

func goProfiles(dir string) {
	runtime.MemProfileRate = 4096
	runtime.SetBlockProfileRate(1)
	runtime.SetMutexProfileFraction(1)
	cpu, err := os.Create(filepath.Join(dir, "cpu"))
	check(err)
	check(pprof.StartCPUProfile(cpu))
	for i, task := range []string{"first", "second"} {
		pprof.Do(context.Background(), pprof.Labels("task", task), func(context.Context) {
			spin(time.Now().Add(time.Duration(i+1) * 100 * time.Millisecond))
		})
	}
	smallOnes()
	bigOnes(30)
	contend()
	pprof.StopCPUProfile()
	check(cpu.Close())
	runtime.GC()
	save(filepath.Join(dir, "heap-before"), 0, "heap")
	smallOnes()
	kept = kept[2000:]
	runtime.GC()
	for i := 0; i < 5; i++ {
		go func() { select {} }()
	}
	time.Sleep(10 * time.Millisecond)
	for _, name := range []string{"heap", "allocs", "goroutine", "block", "mutex", "threadcreate"} {
		save(filepath.Join(dir, name), 0, name)
	}
	things := pprof.NewProfile("things")
	for i := range kept[:3] {
		things.Add(&kept[i], 0)
	}
	save(filepath.Join(dir, "things"), 0, "things")
	for _, name := range []string{"heap", "goroutine", "block", "mutex", "things"} {
		save(filepath.Join(dir, name+"-text"), 1, name)
	}
}

// What the odd profiles are made of: fields of profile.proto.
type message []byte

func (m *message) varint(v uint64) {
	for ; v >= 0x80; v >>= 7 {
		*m = append(*m, byte(v)|0x80)
	}
	*m = append(*m, byte(v))
}

func (m *message) number(field int, v uint64) {
	m.varint(uint64(field << 3))
	m.varint(v)
}

func (m *message) bytes(field int, b []byte) {
	m.varint(uint64(field<<3 | 2))
	m.varint(uint64(len(b)))
	*m = append(*m, b...)
}

func (m *message) numbers(field int, vs ...int64) {
	var packed message
	for _, v := range vs {
		packed.varint(uint64(v))
	}
	m.bytes(field, packed)
}

// Fields in pairs: number, value.
func fields(pairs ...int64) message {
	var m message
	for i := 0; i < len(pairs); i += 2 {
		m.number(int(pairs[i]), uint64(pairs[i+1]))
	}
	return m
}

func join(ms ...message) (all message) {
	for _, m := range ms {
		all = append(all, m...)
	}
	return all
}

func in(field int, m message) (out message) {
	out.bytes(field, m)
	return out
}

func sample(locations, values []int64, labels ...message) (m message) {
	m.numbers(1, locations...)
	m.numbers(2, values...)
	for _, l := range labels {
		m.bytes(3, l)
	}
	return in(2, m)
}

func texts(list ...string) (m message) {
	for _, s := range list {
		m.bytes(6, []byte(s))
	}
	return m
}

func odd(dir, name string, m message) {
	f, err := os.Create(filepath.Join(dir, name))
	check(err)
	z := gzip.NewWriter(f)
	_, err = z.Write(m)
	check(err)
	check(z.Close())
	check(f.Close())
}

func l(v ...int64) []int64 { return v }

func oddProfiles(dir string) {
	one := in(1, fields(1, 1, 2, 2))
	two := join(one, in(1, fields(1, 3, 2, 4)))
	words := texts("", "samples", "count", "space", "bytes", "leaf", "middle", "root", "a.c", "dir/../b.c", "/bin/prog", "tag", "x", "y", "size", "kilobytes")
	function := func(id, name, file, start int64) message {
		return in(5, fields(1, id, 2, name, 3, name, 4, file, 5, start))
	}
	location := func(id, mapping, address int64, lines ...message) message {
		m := fields(1, id, 2, mapping, 3, address)
		for _, line := range lines {
			m.bytes(4, line)
		}
		return in(4, m)
	}
	line := func(function, n int64) message { return fields(1, function, 2, n) }
	mapping := in(3, fields(1, 1, 2, 0x400000, 3, 0x500000, 5, 10))
	functions := join(function(1, 5, 8, 10), function(2, 6, 9, 20), function(3, 7, 8, 30))
	locations := join(location(1, 1, 0x400100, line(1, 11)), location(2, 1, 0x400200, line(2, 22)), location(3, 1, 0x400300, line(3, 33)))

	odd(dir, "odd-empty", join(one, words))
	odd(dir, "odd-no-functions", join(two, mapping, location(1, 1, 0x400100), location(2, 1, 0x400200),
		sample(l(1, 2), l(3, 300)), sample(l(2), l(5, 50)), words))
	odd(dir, "odd-no-mappings", join(one, functions, location(1, 0, 0, line(1, 11)), location(2, 0, 0x99, line(2, 22)),
		sample(l(1, 2), l(3)), sample(l(2, 1), l(4)), words))
	odd(dir, "odd-nothing-known", join(one, location(1, 0, 0x123), sample(l(1), l(7)), sample(nil, l(2)), words))
	odd(dir, "odd-recursion", join(two, mapping, functions, locations,
		sample(l(1, 2, 1, 2, 3), l(1, 100)), sample(l(1, 1, 1, 3), l(2, 2000)), sample(l(3, 3), l(1, 5)), words))
	odd(dir, "odd-negative", join(two, mapping, functions, locations,
		sample(l(1, 2, 3), l(-1, -1000)), sample(l(2, 3), l(2, 700)), sample(l(1, 3), l(1, 1000)), words))
	odd(dir, "odd-inlined", join(two, mapping, functions,
		location(1, 1, 0x400100, line(1, 11), line(2, 22)), location(2, 1, 0x400200, line(2, 23), line(3, 33)), location(3, 1, 0x400300, line(3, 34)), location(4, 1, 0x400400, line(1, 12)),
		sample(l(1, 2, 3), l(1, 1<<20)), sample(l(4, 3), l(1, 3<<20)), sample(l(2), l(9, 777)), words))
	odd(dir, "odd-labels", join(two, mapping, functions, locations,
		sample(l(1, 3), l(1, 10), fields(1, 11, 2, 12), fields(1, 14, 3, 4, 4, 15)),
		sample(l(1, 3), l(2, 20), fields(1, 11, 2, 13), fields(1, 14, 3, 64, 4, 15), fields(1, 4, 3, 512)),
		sample(l(2, 3), l(3, 30), fields(1, 11, 2, 12), fields(1, 11, 2, 13)),
		sample(l(2, 3), l(4, 40), fields(1, 4, 3, 4096)), words))
	odd(dir, "odd-huge-ids", join(sample(l(1<<60, 7), l(1, 10)), sample(l(7), l(2, 3)), two,
		location(1<<60, -1, 0x400100, line(1<<62, 11)), location(7, -1, 0x400200, line(5, 22)),
		in(3, fields(1, -1, 2, 0x400000, 3, 0x500000, 5, 10)), function(5, 6, 9, 20), function(1<<62, 5, 8, 10), words))
	odd(dir, "odd-nameless", join(in(1, nil), mapping, functions, locations, sample(l(1, 3), l(4)), words))
	odd(dir, "odd-repeated", join(two, mapping, functions, locations,
		sample(l(1, 3), l(1, 10)), sample(l(1, 3), l(1, -10)), sample(l(1, 3), l(1, 10)), words))
	odd(dir, "odd-wide", wide(two, mapping))
	odd(dir, "odd-times", join(in(1, fields(1, 1, 2, 2)), in(1, fields(1, 6, 2, 16)), mapping, functions, locations,
		sample(l(1, 2, 3), l(1, 1234567)), sample(l(2, 3), l(1, 90)), sample(l(3), l(1, 5e9)),
		fields(9, 1700000000123456789, 10, 20e9, 12, 10000000, 14, 6), in(11, fields(1, 6, 2, 16)), fields(13, 12),
		words, texts("nanoseconds")))
}

// More functions than a report shows, each in a chain of its own length.
func wide(types, mapping message) message {
	all := join(types, mapping)
	names := []string{"", "samples", "count", "space", "bytes", "f.c", "", "", "", "", "/bin/prog"}
	for i := int64(1); i <= 200; i++ {
		names = append(names, fmt.Sprintf("f%d", i))
		all = join(all, in(5, fields(1, i, 2, int64(len(names)-1), 3, int64(len(names)-1), 4, 5, 5, i*10)),
			in(4, join(fields(1, i, 2, 1, 3, 0x400000+i*16), in(4, fields(1, i, 2, i*10+1)))))
		var stack []int64
		for at := i; at > 0; at /= 2 {
			stack = append(stack, at)
		}
		all = join(all, sample(stack, l(i%5, i*i*i)))
	}
	return join(all, texts(names...))
}

// As gperftools writes them: words, then /proc/self/maps.
func cpuOfGperftools(dir string) {
	const maps = "00400000-00500000 r-xp 00000000 08:01 12 /opt/none/prog\n" +
		"00600000-00700000 rw-p 00000000 08:01 12 /opt/none/prog\n" +
		"7f0000000000-7f0000100000 r-xp 00001000 08:01 13 /opt/none/lib.so\n"
	words := []uint64{0, 3, 0, 10000, 0}
	for i := uint64(0); i < 40; i++ {
		words = append(words, 1+i%3, 5, 0x400100+i*16, 0x7f0000000500, 0x400101+i*16, 0x400200, 0x400300)
	}
	words = append(words, 7, 2, 0x400100, 0x400200, 2, 1, 0x7f0000000010, 0, 1, 0)
	for _, wide := range []bool{true, false} {
		var out bytes.Buffer
		for _, w := range words {
			if wide {
				check(binary.Write(&out, binary.LittleEndian, w))
			} else {
				check(binary.Write(&out, binary.LittleEndian, uint32(w)))
			}
		}
		out.WriteString(maps)
		name := map[bool]string{true: "gperftools-64", false: "gperftools-32"}[wide]
		check(os.WriteFile(filepath.Join(dir, name), out.Bytes(), 0o600))
	}
}

func main() {
	dir := os.Args[1]
	goProfiles(dir)
	oddProfiles(dir)
	cpuOfGperftools(dir)
}
