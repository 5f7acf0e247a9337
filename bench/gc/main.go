// The workloads of bench/gc in Go: the same structures, the same chance, the
// same line printed; see main.c. Written as one would in Go: text is a string,
// bytes are a slice.
package main

import (
	"fmt"
	"math/bits"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const stalls = 64 * 16

type part struct {
	number, parts uint64
	ops, size     uint64
	chance        uint64
	sum           uint64
	last          time.Time
	longest       uint64
	steps         uint64
	stall         [stalls]uint64
}

func (p *part) next() uint64 {
	p.chance ^= p.chance << 13
	p.chance ^= p.chance >> 7
	p.chance ^= p.chance << 17
	return p.chance
}

func (p *part) below(n uint64) uint64 { return (p.next() >> 11) % n }

func stallClass(ns uint64) uint64 {
	if ns < 16 {
		return ns
	}
	b := uint64(63 - bits.LeadingZeros64(ns))
	return b*16 + ns>>(b-4)&15
}

func (p *part) begin() { p.last = time.Now() }

func (p *part) step() {
	now := time.Now()
	stall := uint64(now.Sub(p.last))
	p.last = now
	p.steps++
	p.stall[stallClass(stall)]++
	if stall > p.longest {
		p.longest = stall
	}
}

// ---- trees ----

type tree struct{ left, right *tree }

func treeOf(depth uint64) *tree {
	t := &tree{}
	if depth > 0 {
		t.left = treeOf(depth - 1)
		t.right = treeOf(depth - 1)
	}
	return t
}

func (t *tree) count() uint64 {
	if t.left == nil {
		return 1
	}
	return 1 + t.left.count() + t.right.count()
}

func workTrees(p *part) {
	most := p.size
	var stays *tree
	if p.number == 0 {
		p.sum += treeOf(most + 1).count()
		stays = treeOf(most)
	}
	for depth := uint64(4); depth <= most; depth += 2 {
		times := uint64(1) << (most - depth + 4)
		for i := p.number; i < times; i += p.parts {
			p.sum += treeOf(depth).count()
		}
	}
	if stays != nil {
		p.sum += stays.count()
	}
}

// ---- GCBench ----

type node struct {
	left, right *node
	i, j        int32
}

func populate(depth uint64, n *node) {
	if depth == 0 {
		return
	}
	n.left = &node{}
	n.right = &node{}
	populate(depth-1, n.left)
	populate(depth-1, n.right)
}

func nodeOf(depth uint64) *node {
	if depth == 0 {
		return &node{}
	}
	left := nodeOf(depth - 1)
	right := nodeOf(depth - 1)
	return &node{left: left, right: right}
}

var sink *node

func workGCBench(p *part) {
	most := p.size
	sink = nodeOf(most + 2)
	sink = nil
	stays := &node{}
	populate(most, stays)
	array := make([]float64, uint64(1)<<(most+2))
	for i := range array {
		array[i] = 1.0 / float64(i+1)
	}
	for depth := uint64(4); depth <= most; depth += 2 {
		times := (uint64(2) << (most + 2)) / (uint64(2) << depth)
		for i := uint64(0); i < times; i++ {
			n := &node{}
			populate(depth, n)
			sink = n
			sink = nodeOf(depth)
			p.sum++
		}
	}
	if stays.left != nil && array[999] == 1.0/1000 {
		p.sum++
	}
}

// ---- LRU ----

type entry struct {
	chain, older, newer *entry
	key                 uint64
	value               []byte
}

type cache struct {
	bucket     []*entry
	mask, used uint64
	most       uint64
	ends       entry
}

func powerFrom(n uint64) uint64 {
	power := uint64(1)
	for power < n {
		power *= 2
	}
	return power
}

func hashOf(key uint64) uint64 {
	key *= 0x9e3779b97f4a7c15
	return key ^ key>>32
}

func (c *cache) place(key uint64) **entry {
	at := &c.bucket[hashOf(key)&c.mask]
	for *at != nil && (*at).key != key {
		at = &(*at).chain
	}
	return at
}

func unlink(e *entry) {
	e.older.newer = e.newer
	e.newer.older = e.older
}

func (c *cache) linkNewest(e *entry) {
	e.newer = &c.ends
	e.older = c.ends.older
	e.older.newer = e
	c.ends.older = e
}

func (c *cache) evict(e *entry) {
	at := c.place(e.key)
	*at = e.chain
	unlink(e)
	c.used--
}

func (c *cache) insert(p *part, key uint64) {
	n := 32 + p.below(65)
	if c.used == c.most {
		c.evict(c.ends.newer)
	}
	e := &entry{key: key, value: make([]byte, n)}
	for i := range e.value {
		e.value[i] = byte(key & 127)
	}
	at := &c.bucket[hashOf(key)&c.mask]
	e.chain = *at
	*at = e
	c.linkNewest(e)
	c.used++
}

func workLRU(p *part) {
	c := &cache{most: p.size / p.parts}
	c.mask = powerFrom(c.most) - 1
	c.bucket = make([]*entry, c.mask+1)
	c.ends.older = &c.ends
	c.ends.newer = &c.ends
	p.begin()
	for i := uint64(0); i < p.ops; i++ {
		key := p.below(2 * c.most)
		if e := *c.place(key); e != nil {
			unlink(e)
			c.linkNewest(e)
			p.sum += uint64(e.value[3])
		} else {
			c.insert(p, key)
		}
		p.step()
	}
}

// ---- map ----

const keyBytes = 20

type item struct {
	chain *item
	key   string
	value *[2]uint64
}

type table struct {
	bucket []*item
	mask   uint64
}

func writeKey(key []byte, n uint64) {
	copy(key, "key-")
	for i := 4; i < keyBytes-1; i++ {
		key[i] = byte('a' + n%16)
		n /= 16
	}
}

func hashText(s []byte) uint64 {
	hash := uint64(1469598103934665603)
	for _, c := range s {
		hash = (hash ^ uint64(c)) * 1099511628211
	}
	return hash ^ hash>>29
}

func (m *table) find(key []byte) **item {
	at := &m.bucket[hashText(key)&m.mask]
	for *at != nil && (*at).key != string(key) {
		at = &(*at).chain
	}
	return at
}

func (m *table) putNew(key []byte, n uint64) {
	at := &m.bucket[hashText(key)&m.mask]
	*at = &item{chain: *at, key: string(key), value: &[2]uint64{n, n}}
}

func (m *table) change(p *part, n, how uint64) {
	var key [keyBytes - 1]byte
	writeKey(key[:], n)
	at := m.find(key[:])
	switch {
	case *at == nil:
		m.putNew(key[:], n)
	case how == 0:
		*at = (*at).chain
	case how == 1:
		(*at).value = &[2]uint64{n, n}
	default:
		p.sum += (*at).value[1]
	}
}

func workMap(p *part) {
	most := p.size / p.parts
	m := &table{mask: powerFrom(most) - 1}
	m.bucket = make([]*item, m.mask+1)
	var key [keyBytes - 1]byte
	p.begin()
	for i := uint64(0); i < most; i++ {
		writeKey(key[:], i)
		m.putNew(key[:], i)
		p.step()
	}
	for i := uint64(0); i < p.ops; i++ {
		n := p.below(most)
		m.change(p, n, p.below(4))
		p.step()
	}
}

// ---- queues ----

const queues = 65536

type link struct {
	next *link
	word [7]uint64
}

type queue struct{ first, last *link }

func (q *queue) push(n uint64) {
	fresh := &link{}
	for i := range fresh.word {
		fresh.word[i] = n
	}
	if q.last == nil {
		q.first = fresh
	} else {
		q.last.next = fresh
	}
	q.last = fresh
}

func (q *queue) pop() uint64 {
	n := q.first
	if n == nil {
		return 0
	}
	q.first = n.next
	if q.first == nil {
		q.last = nil
	}
	return n.word[6]
}

func workQueues(p *part) {
	q := make([]queue, queues)
	nodes := p.size / p.parts
	p.begin()
	for i := uint64(0); i < nodes; i++ {
		q[p.below(queues)].push(i)
		p.step()
	}
	for i := uint64(0); i < p.ops; i++ {
		p.sum += q[p.below(queues)].pop()
		q[p.below(queues)].push(i)
		p.step()
	}
}

func workCycles(p *part) {
	debug.SetGCPercent(-1)
	q := make([]queue, queues)
	for i := uint64(0); i < p.size; i++ {
		q[p.below(queues)].push(i)
	}
	for i := uint64(0); i < p.ops; i++ {
		begin := time.Now()
		runtime.GC()
		if ns := uint64(time.Since(begin)); i == 0 || ns < p.sum {
			p.sum = ns
		}
	}
	runtime.KeepAlive(q)
}

// ---- short texts ----

// With the byte that ends them in C.
func newText(p *part) string {
	const letters = "abcdefghijk\x00"
	b := 3 + p.below(10)
	return string([]byte(letters)[uint64(len(letters))-b:])
}

func workStrings(p *part) {
	texts := make([]string, p.size/p.parts)
	for i := range texts {
		texts[i] = newText(p)
	}
	p.begin()
	for i := uint64(0); i < p.ops; i++ {
		at := p.below(uint64(len(texts)))
		p.sum += uint64(len(texts[at])) - 1
		texts[at] = newText(p)
		p.step()
	}
}

// ---- JSON ----

const (
	textBytes = 16384
	deepest   = 4
	object    = iota
	array
	text
	number
)

type value struct {
	kind        int
	number      int64
	key, text   string
	first, next *value
}

type writer struct {
	bytes [textBytes]byte
	used  int
}

func (t *writer) add(c byte) {
	if t.used < textBytes {
		t.bytes[t.used] = c
		t.used++
	}
}

func (t *writer) addNumber(n uint64) {
	var digits [20]byte
	i := 0
	for {
		digits[i] = byte('0' + n%10)
		i++
		n /= 10
		if n == 0 {
			break
		}
	}
	for i > 0 {
		i--
		t.add(digits[i])
	}
}

func (t *writer) addWord(n uint64, letters uint64) {
	t.add('"')
	for i := uint64(0); i < letters; i++ {
		t.add(byte('a' + n%26))
		n /= 26
	}
	t.add('"')
}

func (t *writer) addText(s string) {
	t.add('"')
	for i := 0; i < len(s); i++ {
		t.add(s[i])
	}
	t.add('"')
}

func makeUp(t *writer, p *part, depth int) {
	what := uint64(0)
	if depth >= deepest {
		what = 2
	} else if depth > 0 {
		what = p.below(4)
	}
	n := 3 + p.below(6)
	if what >= 2 {
		if n%2 == 0 {
			t.addNumber(p.below(100000))
		} else {
			word := p.next()
			t.addWord(word, 4+p.below(20))
		}
		return
	}
	open, close := byte('['), byte(']')
	if what == 0 {
		open, close = '{', '}'
	}
	t.add(open)
	for i := uint64(0); i < n; i++ {
		if i > 0 {
			t.add(',')
		}
		if what == 0 {
			t.addWord(p.below(1000), 3)
			t.add(':')
		}
		makeUp(t, p, depth+1)
	}
	t.add(close)
}

type parser struct {
	s  []byte
	at int
}

func (s *parser) word() string {
	s.at++
	from := s.at
	for s.s[s.at] != '"' {
		s.at++
	}
	s.at++
	return string(s.s[from : s.at-1])
}

func (s *parser) members(v *value, close byte) {
	last := &v.first
	for s.at++; s.s[s.at] != close; {
		key := ""
		if v.kind == object {
			key = s.word()
			s.at++
		}
		member := s.parse()
		member.key = key
		*last = member
		last = &member.next
		if s.s[s.at] == ',' {
			s.at++
		}
	}
	s.at++
}

func (s *parser) parse() *value {
	v := &value{}
	switch s.s[s.at] {
	case '{':
		v.kind = object
		s.members(v, '}')
	case '[':
		v.kind = array
		s.members(v, ']')
	case '"':
		v.kind = text
		v.text = s.word()
	default:
		v.kind = number
		for ; s.at < len(s.s) && s.s[s.at] >= '0' && s.s[s.at] <= '9'; s.at++ {
			v.number = v.number*10 + int64(s.s[s.at]-'0')
		}
	}
	return v
}

func (t *writer) print(v *value) {
	open, close := byte('['), byte(']')
	switch v.kind {
	case number:
		t.addNumber(uint64(v.number))
		return
	case text:
		t.addText(v.text)
		return
	case object:
		open, close = '{', '}'
	}
	t.add(open)
	for m := v.first; m != nil; m = m.next {
		if m != v.first {
			t.add(',')
		}
		if v.kind == object {
			t.addText(m.key)
			t.add(':')
		}
		t.print(m)
	}
	t.add(close)
}

func (t *writer) sum() uint64 {
	sum := uint64(0)
	for _, c := range t.bytes[:t.used] {
		sum = sum*31 + uint64(c)
	}
	return sum & 0xffff
}

func workJSON(p *part) {
	documents := p.size / p.parts
	document := make([]*value, documents)
	var in, out writer
	p.begin()
	for i := uint64(0); i < p.ops; i++ {
		at, there := i, i+1
		if i >= documents {
			at, there = p.below(documents), documents
		}
		in.used = textBytes
		for in.used >= textBytes {
			in.used = 0
			makeUp(&in, p, 0)
		}
		document[at] = (&parser{s: in.bytes[:in.used]}).parse()
		out.used = 0
		out.print(document[p.below(there)])
		p.sum += out.sum()
		p.step()
	}
}

// ---- the run ----

func lengthOf(class uint64) float64 {
	if class < 16 {
		return float64(class)
	}
	return float64((16 + class%16) << (class / 16) >> 4)
}

func stallAt(millionths uint64, parts []part) float64 {
	var steps, seen uint64
	for i := range parts {
		steps += parts[i].steps
	}
	for class := uint64(0); class < stalls; class++ {
		for i := range parts {
			seen += parts[i].stall[class]
		}
		if steps > 0 && float64(seen) >= float64(steps)/1e6*float64(millionths) {
			return lengthOf(class) / 1e3
		}
	}
	return 0
}

func main() {
	works := map[string]func(*part){"trees": workTrees,
		"gcbench": workGCBench, "lru": workLRU, "map": workMap,
		"queues": workQueues, "json": workJSON,
		"strings": workStrings, "cycles": workCycles}
	if len(os.Args) < 5 || works[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: bench WORK THREADS SIZE OPERATIONS")
		os.Exit(2)
	}
	threads, _ := strconv.ParseUint(os.Args[2], 10, 64)
	size, _ := strconv.ParseUint(os.Args[3], 10, 64)
	ops, _ := strconv.ParseUint(os.Args[4], 10, 64)
	parts := make([]part, threads)
	begin := time.Now()
	var all sync.WaitGroup
	for i := range parts {
		p := &parts[i]
		p.number, p.parts = uint64(i), threads
		p.size, p.ops = size, ops/threads
		p.chance = 88172645463325252 + uint64(i)
		all.Add(1)
		go func() {
			works[os.Args[1]](p)
			all.Done()
		}()
	}
	all.Wait()
	wall := time.Since(begin).Seconds()
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	var sum, longest uint64
	for i := range parts {
		sum += parts[i].sum
		longest = max(longest, parts[i].longest)
	}
	cpu := float64(u.Utime.Sec+u.Stime.Sec) +
		float64(u.Utime.Usec+u.Stime.Usec)/1e6
	fmt.Printf("%s-%d %.3f %.3f %d %.1f %.1f %.1f %d %d\n", os.Args[1],
		threads, wall, cpu, u.Maxrss/1024, stallAt(999000, parts),
		stallAt(999900, parts), float64(longest)/1e3, m.NumGC, sum)
}
