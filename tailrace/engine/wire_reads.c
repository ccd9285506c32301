/* The take of wire_reads.py again, and the stamp of stamps.StampBook: what they say holds here.

   Why: at a thousand streams Python around a read costs more than the read. No byte that a server
   sent is interpreted here, but for the shape that lets a read wait; all parsing is done in Python.

   The limited API of Python 3.11: one build serves every later version. */

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030b0000
#include <Python.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define READ_BYTES 65536
#define AT_ONCE 256
#define APART_NS 5000
#define OLDEST_NS 5000000000LL
#define NO_STAMP (-1) /* in the place of a stamp's age, as in stamps.py */
#define REFUSED (-2)
#define NO_ERROR (-1)

static unsigned char buffer[READ_BYTES];
static int64_t apart_ns; /* wall clock less the run's, at the last read */

static int64_t
clock_ns(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Both clocks of one moment: read again when the process was held up in between. */
static void
both_clocks(int64_t *seen_ns, int64_t *wall_ns)
{
    *seen_ns = clock_ns(CLOCK_MONOTONIC);
    *wall_ns = clock_ns(CLOCK_REALTIME);
    int64_t moved_ns = *wall_ns - *seen_ns - apart_ns;
    if (moved_ns <= -APART_NS || moved_ns >= APART_NS) {
        for (int tries = 0; tries < 3; tries++) {
            *seen_ns = clock_ns(CLOCK_MONOTONIC);
            *wall_ns = clock_ns(CLOCK_REALTIME);
            if (clock_ns(CLOCK_MONOTONIC) - *seen_ns < APART_NS)
                break;
        }
    }
    apart_ns = *wall_ns - *seen_ns;
}

/* When the read that was just made arrived; *lag_ns is the age of its stamp, or why it has none. */
static int64_t
arrived_ns(struct msghdr *message, int64_t *lag_ns)
{
    int64_t seen_ns, wall_ns;
    both_clocks(&seen_ns, &wall_ns);
    struct cmsghdr *about = CMSG_FIRSTHDR(message);
    if (about == NULL || about->cmsg_level != SOL_SOCKET || about->cmsg_type != SO_TIMESTAMPNS) {
        *lag_ns = NO_STAMP;
        return seen_ns;
    }
    struct timespec stamp;
    memcpy(&stamp, CMSG_DATA(about), sizeof stamp);
    *lag_ns = wall_ns - ((int64_t)stamp.tv_sec * 1000000000 + stamp.tv_nsec);
    if (*lag_ns < 0 || *lag_ns >= OLDEST_NS) {
        *lag_ns = REFUSED;
        return seen_ns;
    }
    return seen_ns - *lag_ns;
}

/* Where the data begins of a read that is one whole chunk, and that chunk one event of one data
   line, as nearly every read is; else 0. "2a\r\ndata: ...\n\n\r\n": it ends four bytes before the
   read does. Nothing is left out of account: no other line end is in it, and the chunk's size is
   that of the read. */
static Py_ssize_t
plain_start(Py_ssize_t n)
{
    Py_ssize_t size = 0, at = 0;
    for (; at < n && at < 6; at++) {
        unsigned char c = buffer[at];
        int digit = c >= '0' && c <= '9' ? c - '0'
            : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (digit < 0)
            break;
        size = size * 16 + digit;
    }
    Py_ssize_t start = at + 8, end = n - 4;
    if (at == 0 || start > end || size != n - at - 4 || memcmp(buffer + at, "\r\ndata: ", 8) != 0
        || memcmp(buffer + end, "\n\n\r\n", 4) != 0
        || memchr(buffer + start, '\n', end - start) != NULL
        || memchr(buffer + start, '\r', end - start) != NULL)
        return 0;
    return start;
}

/* A tuple of what it is given, of which it becomes the owner; NULL if any of it is. */
static PyObject *
tuple_of(int many, PyObject *const items[])
{
    PyObject *made = PyTuple_New(many);
    for (int i = 0; i < many; i++) {
        if (made == NULL || items[i] == NULL) {
            Py_CLEAR(made);
            Py_XDECREF(items[i]);
        }
        else
            PyTuple_SetItem(made, i, items[i]);
    }
    return made;
}

static int
append_and_drop(PyObject *list, PyObject *item)
{
    if (item == NULL)
        return -1;
    int failed = PyList_Append(list, item);
    Py_DECREF(item);
    return failed;
}

/* Among the news: n bytes, or the number of an error, or NO_ERROR. */
static int
tell(PyObject *fd, Py_ssize_t n, int error, unsigned events, PyObject *news)
{
    PyObject *told[] = {fd, PyLong_FromSsize_t(n),
                        error == NO_ERROR ? Py_NewRef(Py_None) : PyLong_FromLong(error),
                        PyLong_FromLong(events)};
    Py_INCREF(fd);
    return append_and_drop(news, tuple_of(4, told));
}

/* Lay n bytes that were read with those that wait, and tell of them if they may not. */
static int
keep(PyObject *fd, PyObject *pending, int64_t at_ns, Py_ssize_t n, unsigned events,
     Py_ssize_t patience, PyObject *news)
{
    Py_ssize_t waiting = PyList_Size(pending);
    if (waiting < 0)
        return -1;
    Py_ssize_t start = plain_start(n);
    PyObject *read[] = {PyLong_FromLongLong(at_ns),
                        PyBytes_FromStringAndSize((char *)buffer, n),
                        PyLong_FromSsize_t(start)};
    if (append_and_drop(pending, tuple_of(3, read)) < 0)
        return -1;
    if (0 < waiting && waiting < patience && events == EPOLLIN && n < READ_BYTES
        && (start > 0
            || (buffer[0] > '\r' && memmem(buffer, n, "\r\n\r\n", 4) == NULL)))
        return 0;
    return tell(fd, n, NO_ERROR, events, news);
}

/* One socket of which there is news: 0, or -1 with an error set. */
static int
look(PyObject *fd, int number, PyObject *pending, unsigned events, PyObject *lags,
     Py_ssize_t patience, PyObject *news)
{
    union {
        char room[CMSG_SPACE(sizeof(struct timespec))];
        struct cmsghdr align;
    } control;
    struct iovec into = {buffer, READ_BYTES};
    struct msghdr message = {.msg_iov = &into,
                             .msg_iovlen = 1,
                             .msg_control = control.room,
                             .msg_controllen = sizeof control.room};
    if (events == EPOLLOUT)
        return tell(fd, 0, NO_ERROR, events, news);
    ssize_t n = recvmsg(number, &message, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return events & EPOLLOUT ? tell(fd, 0, NO_ERROR, events, news) : 0;
    if (n <= 0)
        return tell(fd, 0, n < 0 ? errno : 0, events, news);
    int64_t lag_ns;
    int64_t at_ns = arrived_ns(&message, &lag_ns);
    if (append_and_drop(lags, PyLong_FromLongLong(lag_ns)) == 0
        && keep(fd, pending, at_ns, n, events, patience, news) == 0)
        return 0;
    if (!PyErr_ExceptionMatches(PyExc_MemoryError))
        return -1;
    PyErr_Clear(); /* the bytes may be lost, so their connection ends; the others go on */
    return tell(fd, 0, ENOMEM, events, news);
}

PyDoc_STRVAR(take_doc, "See wire_reads.take.");

static PyObject *
take(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *epoll, *pendings, *links, *book;
    Py_ssize_t patience;
    struct epoll_event ready[AT_ONCE];
    if (!PyArg_ParseTuple(args, "OO!OOn", &epoll, &PyDict_Type, &pendings, &links, &book,
                          &patience))
        return NULL;
    int epoll_fd = PyObject_AsFileDescriptor(epoll);
    PyObject *lags = epoll_fd < 0 ? NULL : PyObject_GetAttrString(book, "lags_ns");
    if (lags == NULL)
        return NULL;
    PyObject *news = PyList_New(0);
    int many = epoll_wait(epoll_fd, ready, AT_ONCE, 0);
    if (many < 0 && errno != EINTR) {
        Py_CLEAR(news);
        PyErr_SetFromErrno(PyExc_OSError);
    }
    for (int i = 0; news != NULL && i < many; i++) {
        int number = ready[i].data.fd;
        PyObject *fd = PyLong_FromLong(number);
        PyObject *pending = fd == NULL ? NULL : PyDict_GetItemWithError(pendings, fd);
        int failed = pending == NULL
            ? PyErr_Occurred() != NULL /* else it was closed since */
            : look(fd, number, pending, ready[i].events, lags, patience, news) < 0;
        Py_XDECREF(fd);
        if (failed && PyErr_ExceptionMatches(PyExc_MemoryError)) {
            PyErr_Clear(); /* not even room to tell of it: the next look finds the socket's end */
            shutdown(number, SHUT_RDWR);
        }
        else if (failed)
            Py_CLEAR(news);
    }
    Py_DECREF(lags);
    return news;
}

static PyMethodDef methods[] = {{"take", take, METH_VARARGS, take_doc}, {NULL, NULL, 0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_wire_reads", "The reads of the kernel links.", -1, methods,
    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC
PyInit__wire_reads(void)
{
    PyObject *made = PyModule_Create(&definition);
    if (made != NULL
        && (PyModule_AddIntConstant(made, "READ_BYTES", READ_BYTES) < 0
            || PyModule_AddIntConstant(made, "AT_ONCE", AT_ONCE) < 0
            || PyModule_AddStringConstant(made, "SOURCE_SHA256", SOURCE_SHA256) < 0))
        Py_CLEAR(made);
    return made;
}
