// pgx: one-row reads by primary key through pgxpool, so many goroutines as connections.
// usage: pgx CONNECTION CONNECTIONS SECONDS ROWS. Prints nanoseconds a read: wall time, then CPU time of this process.
package main

import (
	"context"
	"fmt"
	"math/rand"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v4/pgxpool"
)

func number(index int) int {
	value, err := strconv.Atoi(os.Args[index])
	if err != nil {
		panic(err)
	}
	return value
}

func processorTime() int64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func main() {
	connections, seconds, rows := number(2), number(3), number(4)
	config, err := pgxpool.ParseConfig(os.Args[1])
	if err != nil {
		panic(err)
	}
	config.MinConns, config.MaxConns = int32(connections), int32(connections)
	pool, err := pgxpool.ConnectConfig(context.Background(), config)
	if err != nil {
		panic(err)
	}
	var reads int64
	read := func(until time.Time, seed int64) {
		random := rand.New(rand.NewSource(seed))
		for time.Now().Before(until) {
			var balance int
			aid := random.Intn(rows) + 1
			err := pool.QueryRow(
				context.Background(), "SELECT abalance FROM pgbench_accounts WHERE aid = $1", aid).Scan(&balance)
			if err != nil {
				panic(err)
			}
			atomic.AddInt64(&reads, 1)
		}
	}
	run := func(length time.Duration) {
		var group sync.WaitGroup
		until := time.Now().Add(length)
		for i := 0; i < connections; i++ {
			group.Add(1)
			go func(seed int64) {
				read(until, seed)
				group.Done()
			}(int64(i))
		}
		group.Wait()
	}
	run(300 * time.Millisecond)
	atomic.StoreInt64(&reads, 0)
	begun, used := time.Now(), processorTime()
	run(time.Duration(seconds) * time.Second)
	done := float64(atomic.LoadInt64(&reads))
	fmt.Printf("%f\t%f\n", float64(time.Since(begun).Nanoseconds())/done, float64(processorTime()-used)/done)
}
