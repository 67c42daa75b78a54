// The shop: a small web program and its worker, which count in PostgreSQL and cache in Redis.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
)

// What the image's configuration says of itself.
var (
	version = setting("SHOP_VERSION", "0.0.0")
	// fault is what is wrong with this release: never-healthy, dies, or nothing.
	fault = os.Getenv("SHOP_FAULT")
)

// livesFor is how long a release runs that dies.
const livesFor = 20 * time.Second

// heartbeat is touched by the worker at each round; older than staleAfter it says that the worker hangs.
const (
	heartbeat  = "/tmp/worker"
	staleAfter = 10 * time.Second
)

// startFor is how long a start waits for the database.
const startFor = 30 * time.Second

func main() {
	log.SetFlags(0)
	log.SetPrefix("shop " + version + ": ")
	role := "web"
	if len(os.Args) > 1 {
		role = os.Args[1]
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if fault == "dies" {
		time.AfterFunc(livesFor, func() { log.Fatal("the price list of this release cannot be read") })
	}
	roles := map[string]func(context.Context) error{"web": web, "worker": work, "healthy": healthy}
	run, known := roles[role]
	if !known {
		log.Fatalf("found: %q; expected: web, worker or healthy", role)
	}
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

type shop struct {
	database *pgxpool.Pool
	cache    *redis.Client
	greeting string
	title    string
}

// open connects to the database, for as long as it may still be starting, and has the table there.
func open(ctx context.Context) (*shop, error) {
	password, err := os.ReadFile(setting("SHOP_DATABASE_PASSWORD_FILE", "/run/secrets/db_password"))
	if err != nil {
		return nil, err
	}
	config, err := pgxpool.ParseConfig(setting("SHOP_DATABASE", "postgres://shop@database/shop"))
	if err != nil {
		return nil, err
	}
	config.ConnConfig.Password = strings.TrimRight(string(password), "\n")
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	title, err := titleOf(setting("SHOP_CONFIG", "/etc/shop/shop.conf"))
	if err != nil {
		return nil, err
	}
	cache := redis.NewClient(&redis.Options{Addr: setting("SHOP_CACHE", "cache:6379")})
	opened := &shop{pool, cache, setting("SHOP_GREETING", "Welcome"), title}
	for until := time.Now().Add(startFor); ; {
		err = opened.prepare(ctx)
		if err == nil || time.Now().After(until) || ctx.Err() != nil {
			return opened, err
		}
		log.Printf("waits for the database: %v", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// prepare makes the table; the lock keeps web and worker from making it at the same moment.
func (s *shop) prepare(ctx context.Context) error {
	return pgx.BeginFunc(ctx, s.database, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(1)"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS visit (
			id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
			at timestamptz NOT NULL DEFAULT now(),
			handled boolean NOT NULL DEFAULT false)`)
		return err
	})
}

// titleOf reads the line "title = ..." of the mounted configuration file, which may be absent.
func titleOf(file string) (string, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return "shop", nil
	}
	for line := range strings.Lines(string(text)) {
		name, value, found := strings.Cut(line, "=")
		if found && strings.TrimSpace(name) == "title" {
			return strings.TrimSpace(value), nil
		}
	}
	return "shop", err
}

func web(ctx context.Context) error {
	opened, err := open(ctx)
	if err != nil {
		return err
	}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /{$}", opened.count)
	routes.HandleFunc("GET /healthz", opened.health)
	routes.HandleFunc("GET /version", func(answer http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(answer, version)
	})
	server := &http.Server{Addr: setting("SHOP_ADDRESS", ":8080"), Handler: routes, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	log.Printf("answers on %s", server.Addr)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		// What has come in already is answered.
		late, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return server.Shutdown(late)
	}
}

func (s *shop) count(answer http.ResponseWriter, request *http.Request) {
	var visit int64
	// Counted, because a failed transaction uses up a number of the sequence.
	err := s.database.QueryRow(request.Context(), `WITH this AS (INSERT INTO visit DEFAULT VALUES RETURNING id)
		SELECT count(*) + (SELECT count(*) FROM this) FROM visit`).Scan(&visit)
	if err != nil {
		log.Printf("found: %v", err)
		http.Error(answer, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	handled, err := s.cache.Get(request.Context(), "handled").Result()
	if err != nil {
		handled = "?"
	}
	fmt.Fprintf(answer, "%s: %s, visitor %d\n", s.title, s.greeting, visit)
	if version != "1.0.0" {
		fmt.Fprintf(answer, "%s of all visitors are served\n", handled)
	}
}

func (s *shop) health(answer http.ResponseWriter, request *http.Request) {
	if fault == "never-healthy" {
		log.Print("not ready: the price list has no price")
		http.Error(answer, "the price list has no price", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(request.Context(), 2*time.Second)
	defer cancel()
	if err := errors.Join(s.database.Ping(ctx), s.cache.Ping(ctx).Err()); err != nil {
		http.Error(answer, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(answer, "ok")
}

// work serves visitors, and tells the cache how many have been served in all.
func work(ctx context.Context) error {
	opened, err := open(ctx)
	if err != nil {
		return err
	}
	log.Print("serves visitors")
	for ctx.Err() == nil {
		if err := opened.serve(ctx); err != nil {
			log.Printf("found: %v", err)
		} else if err := os.WriteFile(heartbeat, []byte(strconv.FormatInt(time.Now().Unix(), 10)), 0o600); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	return nil
}

func (s *shop) serve(ctx context.Context) error {
	if _, err := s.database.Exec(ctx, "UPDATE visit SET handled = true WHERE NOT handled"); err != nil {
		return err
	}
	var handled int64
	if err := s.database.QueryRow(ctx, "SELECT count(*) FROM visit WHERE handled").Scan(&handled); err != nil {
		return err
	}
	return s.cache.Set(ctx, "handled", handled, 0).Err()
}

// healthy is the worker's check: it ends with 0 when the worker has just been at work.
func healthy(context.Context) error {
	found, err := os.Stat(heartbeat)
	if err != nil {
		return err
	}
	if age := time.Since(found.ModTime()); age > staleAfter {
		return fmt.Errorf("found: the last round was %s ago; expected: less than %s", age.Round(time.Second), staleAfter)
	}
	return nil
}
