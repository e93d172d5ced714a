// The work of ResilienceBenchmarks with go-resiliency. Prints one line a benchmark: name and nanoseconds.
package main

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"gopkg.in/eapache/go-resiliency.v1/breaker"
	"gopkg.in/eapache/go-resiliency.v1/deadline"
	"gopkg.in/eapache/go-resiliency.v1/retrier"
)

func cpu() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func row(name string, operations int, body func() error) {
	best := time.Duration(1 << 62)
	for round := 0; round < 7; round++ {
		start := cpu()
		for i := 0; i < operations; i++ {
			body()
		}
		if spent := cpu() - start; spent < best {
			best = spent
		}
	}
	fmt.Printf("go-resiliency.%s\t%f\n", name, float64(best)/float64(operations))
}

var done = 0

//go:noinline
func work() error {
	done++
	return nil
}

func main() {
	closed := breaker.New(5, 2, time.Minute)
	row("permit", 5000000, func() error { return closed.Run(work) })
	open := breaker.New(1, 2, time.Hour)
	open.Run(func() error { return errors.New("down") })
	row("rejection", 5000000, func() error { return open.Run(work) })
	retry := retrier.New(retrier.ExponentialBackoff(2, time.Second), nil)
	row("retry", 5000000, func() error { return retry.Run(work) })
	limit := deadline.New(time.Second)
	row("deadline", 500000, func() error { return limit.Run(func(<-chan struct{}) error { return work() }) })
	row("pipeline", 5000000, func() error { return retry.Run(func() error { return closed.Run(work) }) })
}
