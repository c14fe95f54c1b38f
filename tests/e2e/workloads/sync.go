// SPDX-License-Identifier: GPL-2.0-only

// Three goroutines share one mutex, which Go's runtime keeps from the kernel. Not a benchmark.
package main

import (
	"fmt"
	"sync"
	"time"
)

var ledger sync.Mutex
var sum uint64

func deposit() {
	ledger.Lock()
	defer ledger.Unlock()
	for i := uint64(0); i < 200000; i++ {
		sum += i ^ sum
	}
}

func main() {
	var clerks sync.WaitGroup
	end := time.Now().Add(1500 * time.Millisecond)
	for i := 0; i < 3; i++ {
		clerks.Add(1)
		go func() {
			defer clerks.Done()
			for time.Now().Before(end) {
				deposit()
			}
		}()
	}
	clerks.Wait()
	fmt.Println(sum)
}
