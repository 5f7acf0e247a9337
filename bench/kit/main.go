// The same cases in Go, with Go's own means.
package main

import (
	"bytes"
	"container/list"
	"flag"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const items, pieces, handled, cached, lines = 1000, 100, 4096, 1000, 20
const piece = "a piece of text, "

var sink any
var sinkText string
var sinkNumber uint64

// The n-th key asked of a cache, as in kit.h.
func asked(n uint64) uint64 {
	x := (n + 1) * 0x9e3779b97f4a7c15
	x ^= x >> 29
	return (x % 4000) * (x >> 32 & 1023) >> 10
}

func poolNo(b *testing.B) {
	for i := 0; i < b.N; i++ {
		p := new([handled]byte)
		for j := 0; j < 64; j++ {
			p[j] = 1
		}
		sink = p
	}
}

func poolYes(b *testing.B) {
	p := sync.Pool{New: func() any { return new([handled]byte) }}
	for i := 0; i < b.N; i++ {
		block := p.Get().(*[handled]byte)
		for j := 0; j < 64; j++ {
			block[j] = 1
		}
		p.Put(block)
	}
}

func answer(w *bytes.Buffer) {
	for i := 0; i < lines; i++ {
		w.WriteString("<li>for ")
		w.WriteString(keys[i])
		w.WriteString(", who asked</li>\n")
	}
	sink = w
}

func handle(b *testing.B) {
	for i := 0; i < b.N; i++ {
		answer(new(bytes.Buffer))
	}
}

func handlePooled(b *testing.B) {
	p := sync.Pool{New: func() any { return new(bytes.Buffer) }}
	for i := 0; i < b.N; i++ {
		w := p.Get().(*bytes.Buffer)
		w.Reset()
		answer(w)
		p.Put(w)
	}
}

func appendTo(reserve int) func(b *testing.B) {
	return func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			s := make([]uint64, 0, reserve)
			for j := uint64(0); j < items; j++ {
				s = append(s, j)
			}
			sink = s
		}
	}
}

func textPlus(b *testing.B) {
	for i := 0; i < b.N; i++ {
		s := ""
		for j := 0; j < pieces; j++ {
			s += piece
		}
		sinkText = s
	}
}

func textBuilder(reserve int) func(b *testing.B) {
	return func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			var s strings.Builder
			if reserve > 0 {
				s.Grow(reserve)
			}
			for j := 0; j < pieces; j++ {
				s.WriteString(piece)
			}
			sinkText = s.String()
		}
	}
}

func mapFill(reserve int) func(b *testing.B) {
	return func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			m := make(map[uint64]uint64, reserve)
			for j := uint64(0); j < items; j++ {
				m[j] = j
			}
			sinkNumber += uint64(len(m))
		}
	}
}

func mapGet(b *testing.B) {
	m := map[uint64]uint64{}
	for j := uint64(0); j < items; j++ {
		m[j] = j
	}
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		for j := uint64(0); j < items; j++ {
			sinkNumber += m[j]
		}
	}
}

var keys []string // "key-0" to "key-999"

func namesFill(reserve int) func(b *testing.B) {
	return func(b *testing.B) {
		for i := 0; i < b.N; i++ {
			m := make(map[string]uint64, reserve)
			for j, k := range keys {
				m[k] = uint64(j)
			}
			sinkNumber += uint64(len(m))
		}
	}
}

func mapText(b *testing.B) {
	m := map[string]uint64{}
	for j, k := range keys {
		m[k] = uint64(j)
	}
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		for _, k := range keys {
			sinkNumber += m[k]
		}
	}
}

type entry struct {
	key   uint64
	value *[64]byte
}

type lruCache struct {
	sync.Mutex
	at    map[uint64]*list.Element
	order *list.List
}

func (c *lruCache) get(key uint64) *[64]byte {
	c.Lock()
	defer c.Unlock()
	if e, ok := c.at[key]; ok {
		c.order.MoveToFront(e)
		return e.Value.(*entry).value
	}
	return nil
}

func (c *lruCache) put(key uint64, value *[64]byte) {
	c.Lock()
	defer c.Unlock()
	c.at[key] = c.order.PushFront(&entry{key, value})
	if c.order.Len() > cached {
		last := c.order.Back()
		c.order.Remove(last)
		delete(c.at, last.Value.(*entry).key)
	}
}

func lru(b *testing.B) {
	c := lruCache{at: map[uint64]*list.Element{}, order: list.New()}
	for i := 0; i < b.N; i++ {
		key := asked(uint64(i))
		value := c.get(key)
		if value == nil {
			value = new([64]byte)
			c.put(key, value)
		}
		sink = value
	}
}

func sharedGet(b *testing.B) {
	var m sync.Map
	var values [items]uint64
	for j := range values {
		m.Store(uint64(j), &values[j])
	}
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		for j := uint64(0); j < items; j++ {
			v, _ := m.Load(j)
			sink = v
		}
	}
}

func counter(b *testing.B) {
	var c atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			for i := 0; i < 100; i++ {
				c.Add(1)
			}
		}
	})
	sinkNumber += uint64(c.Load())
}

func main() {
	for j := 0; j < items; j++ {
		keys = append(keys, fmt.Sprintf("key-%d", j))
	}
	testing.Init()
	flag.Parse()
	cases := []struct {
		name string
		run  func(b *testing.B)
	}{
		{"PoolNo", poolNo}, {"PoolYes", poolYes},
		{"HandleNo", handle}, {"HandleYes", handlePooled},
		{"AppendGrow", appendTo(0)}, {"AppendPre", appendTo(items)},
		{"TextPlus", textPlus}, {"TextBuilder", textBuilder(0)},
		{"TextPre", textBuilder(pieces * len(piece))},
		{"MapGrow", mapFill(0)}, {"MapPre", mapFill(items)},
		{"MapGet", mapGet}, {"MapText", mapText},
		{"NamesGrow", namesFill(0)}, {"NamesPre", namesFill(items)},
		{"LRU", lru},
		{"SharedGet", sharedGet}, {"Counter", counter},
	}
	for _, c := range cases {
		result := testing.Benchmark(c.run)
		fmt.Printf("Benchmark%s\t%s\t%s\n", c.name, result, result.MemString())
	}
}
