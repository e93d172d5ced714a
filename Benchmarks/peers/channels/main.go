// Go: calls through a slice of functions behind a read lock, and buffered channels from one goroutine to 1 and 8
// others. Prints name<TAB>nanoseconds of CPU per event, and name.wall with those
// that passed.
package main

import (
	"fmt"
	"sync"
	"syscall"
	"time"
)

type orderPlaced struct {
	id     int
	amount float64
}

func processorTime() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano() + usage.Stime.Nano())
}

func measure(name string, operations int, run func(int)) {
	run(operations / 10)
	begun, start := time.Now(), processorTime()
	run(operations)
	fmt.Printf("%s\t%f\n", name, (processorTime()-start)/float64(operations))
	fmt.Printf("%s.wall\t%f\n", name, float64(time.Since(begun).Nanoseconds())/float64(operations))
}

type bus struct {
	lock      sync.RWMutex
	listeners []func(orderPlaced)
}

func (b *bus) publish(event orderPlaced) {
	b.lock.RLock()
	listeners := b.listeners
	b.lock.RUnlock()
	for _, listener := range listeners {
		listener(event)
	}
}

func channels(consumers int) func(int) {
	return func(count int) {
		var group sync.WaitGroup
		var all []chan orderPlaced
		for i := 0; i < consumers; i++ {
			channel := make(chan orderPlaced, 1024)
			all = append(all, channel)
			group.Add(1)
			go func() {
				sum := 0
				for event := range channel {
					sum += event.id
				}
				group.Done()
			}()
		}
		for id := 0; id < count; id++ {
			for _, channel := range all {
				channel <- orderPlaced{id, 1}
			}
		}
		for _, channel := range all {
			close(channel)
		}
		group.Wait()
	}
}

func main() {
	for _, count := range []int{0, 1, 8} {
		sum := 0
		b := &bus{}
		for i := 0; i < count; i++ {
			b.listeners = append(b.listeners, func(event orderPlaced) { sum += event.id })
		}
		measure(fmt.Sprintf("go.slice.%d", count), 5000000, func(n int) {
			for id := 0; id < n; id++ {
				b.publish(orderPlaced{id, 1})
			}
		})
	}
	for _, count := range []int{1, 8} {
		measure(fmt.Sprintf("go.channel.%d", count), 2000000, channels(count))
	}
}
