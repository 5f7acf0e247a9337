// Cycles for the test of their lines: the same as prog_cycles.c.
package main

import "runtime"

var last []byte

func main() {
	for i := 0; i < 100000; i++ {
		last = make([]byte, 1024)
	}
	for i := 0; i < 2; i++ {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m) // waits for the last line
}
