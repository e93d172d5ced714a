// The work of MetricsBenchmarks with Prometheus' client for Go. Prints one line a benchmark: name and nanoseconds.
package main

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

func cpu() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func wall() time.Duration { return time.Duration(time.Now().UnixNano()) }

func row(name string, operations int, clock func() time.Duration, body func(int)) {
	best := time.Duration(1 << 62)
	for round := 0; round < 5; round++ {
		start := clock()
		body(operations)
		if spent := clock() - start; spent < best {
			best = spent
		}
	}
	fmt.Printf("go.%s\t%f\n", name, float64(best)/float64(operations))
}

func onTwoThreads(operations int, body func(int)) {
	var group sync.WaitGroup
	for thread := 0; thread < 2; thread++ {
		group.Add(1)
		go func() { defer group.Done(); body(operations / 2) }()
	}
	group.Wait()
}

func resident() float64 {
	runtime.GC()
	text, _ := os.ReadFile("/proc/self/statm")
	var size, pages float64
	fmt.Sscan(strings.TrimSpace(string(text)), &size, &pages)
	return pages * 4096
}

func scrape(registry *prometheus.Registry) {
	families, err := registry.Gather()
	if err != nil {
		panic(err)
	}
	var buffer bytes.Buffer
	for _, family := range families {
		expfmt.MetricFamilyToText(&buffer, family)
	}
}

func main() {
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "a_total"})
	row("inc", 20_000_000, cpu, func(n int) {
		for i := 0; i < n; i++ {
			counter.Inc()
		}
	})
	names := []string{"method", "route", "status"}
	family := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "b_total"}, names)
	for i := 0; i < 1000; i++ {
		family.WithLabelValues("GET", fmt.Sprintf("/api/v1/r%d", i), "200").Inc()
	}
	row("labelled", 1_000_000, cpu, func(n int) {
		for i := 0; i < n; i++ {
			family.WithLabelValues("GET", "/api/v1/r500", "200").Inc()
		}
	})
	histogram := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "c_seconds"})
	row("observe", 5_000_000, cpu, func(n int) {
		for i := 0; i < n; i++ {
			histogram.Observe(float64(i%1000) / 100)
		}
	})
	summary := prometheus.NewSummary(prometheus.SummaryOpts{Name: "d", Objectives: map[float64]float64{0.5: 0.05, 0.9: 0.01, 0.95: 0.005, 0.99: 0.001}})
	row("summary", 500_000, cpu, func(n int) {
		for i := 0; i < n; i++ {
			summary.Observe(float64(i%1000) / 100)
		}
	})
	row("inc.2.wall", 20_000_000, wall, func(n int) {
		onTwoThreads(n, func(n int) {
			for i := 0; i < n; i++ {
				counter.Inc()
			}
		})
	})
	row("observe.2.wall", 10_000_000, wall, func(n int) {
		onTwoThreads(n, func(n int) {
			for i := 0; i < n; i++ {
				histogram.Observe(float64(i%1000) / 100)
			}
		})
	})
	for _, count := range []int{10_000, 100_000} {
		registry := prometheus.NewRegistry()
		before := resident()
		start := cpu()
		requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total"}, names)
		registry.MustRegister(requests)
		for i := 0; i < count; i++ {
			requests.WithLabelValues("GET", fmt.Sprintf("/api/v1/r%d", i/10), fmt.Sprint(200+i%10)).Add(float64(i))
		}
		fmt.Printf("go.register.%d\t%f\n", count, float64(cpu()-start)/float64(count))
		if count == 100_000 {
			fmt.Printf("go.series.bytes\t%f\n", (resident()-before)/float64(count))
		}
		row(fmt.Sprintf("scrape.%d", count), 1, cpu, func(int) { scrape(registry) })
	}
	histograms := prometheus.NewRegistry()
	durations := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "g_seconds"}, []string{"route"})
	histograms.MustRegister(durations)
	for i := 0; i < 7143; i++ {
		series := durations.WithLabelValues(fmt.Sprintf("/api/v1/r%d", i))
		for value := 0; value < 20; value++ {
			series.Observe(float64(value) / 3)
		}
	}
	row("scrape.histograms", 1, cpu, func(int) { scrape(histograms) })
}
