/* Static data that kernels use: constants, and shared arrays, which are static ones here. Their bounds are read from
 * the symbols of the file that holds the kernel. */
#include "internal.h"

#include <algorithm>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <map>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A library or program. */
struct object {
    std::vector<range> segments;             /* as far as the file holds their bytes: any of it may be read */
    std::vector<range> zeroed;               /* what follows, where the shared arrays are */
    std::map<uintptr_t, size_t> variables;   /* sizes, of those that are zeroed */
    std::map<uintptr_t, std::string> names;  /* of functions and variables */
};

static bool holds(range self, uintptr_t address)
{
    return address - self.begin < self.size;
}

static void read_symbols(object &self, uintptr_t base, const char *file)
{
    auto header = (const ElfW(Ehdr) *)file;
    auto sections = (const ElfW(Shdr) *)(file + header->e_shoff);
    for (int i = 0; i < header->e_shnum; i++) {
        if (sections[i].sh_type != SHT_SYMTAB) {
            continue;
        }
        auto symbols = (const ElfW(Sym) *)(file + sections[i].sh_offset);
        const char *names = file + sections[sections[i].sh_link].sh_offset;
        for (size_t k = 0; k < sections[i].sh_size / sizeof *symbols; k++) {
            uintptr_t address = base + symbols[k].st_value;
            int type = ELF64_ST_TYPE(symbols[k].st_info);
            if (type == STT_OBJECT && std::any_of(self.zeroed.begin(), self.zeroed.end(),
                                                  [=](range part) { return holds(part, address); })) {
                self.variables[address] = symbols[k].st_size;
            }
            if (type == STT_OBJECT || type == STT_FUNC) {
                self.names[address] = names + symbols[k].st_name;
            }
        }
    }
}

static void read_file(object &self, uintptr_t base, const char *path)
{
    int descriptor = open(*path ? path : "/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (descriptor >= 0 && fstat(descriptor, &status) == 0) {
        void *file = mmap(nullptr, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (file != MAP_FAILED) {
            read_symbols(self, base, (const char *)file);
            munmap(file, (size_t)status.st_size);
        }
    }
    if (descriptor >= 0) {
        close(descriptor);
    }
}

struct search {
    uintptr_t within; /* an address of the object */
    object found;
};

static int read_object(dl_phdr_info *info, size_t, void *context)
{
    auto sought = (search *)context;
    object self;
    bool is_it = false;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) &segment = info->dlpi_phdr[i];
        uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
        if (segment.p_type == PT_LOAD) {
            self.segments.push_back({begin, segment.p_filesz});
            self.zeroed.push_back({begin + segment.p_filesz, segment.p_memsz - segment.p_filesz});
            is_it = is_it || holds({begin, segment.p_memsz}, sought->within);
        }
    }
    if (is_it) {
        read_file(self, info->dlpi_addr, info->dlpi_name);
        sought->found = self;
    }
    return is_it;
}

/* The object that holds the address, read when it is first asked for. */
static const object &object_of(const void *within)
{
    static auto &known = *new std::map<const void *, object>;
    auto place = known.find(within);
    if (place == known.end()) {
        search sought = {(uintptr_t)within, {}};
        dl_iterate_phdr(read_object, &sought);
        place = known.emplace(within, sought.found).first;
    }
    return place->second;
}

/* --- shared arrays: what a block leaves there is nothing for the next one to read --- */

static std::vector<range> *arrays; /* of the running kernel, as far as they are known */

/* Those within the kernel itself, whose mangled names begin with its own. Those of functions that it calls become known
 * when they are first touched. */
static std::vector<range> arrays_within(const void *kernel)
{
    const object &self = object_of(kernel);
    std::vector<range> found;
    auto name = self.names.find((uintptr_t)kernel);
    if (name != self.names.end() && name->second.compare(0, 2, "_Z") == 0) {
        std::string prefix = "_ZZ" + name->second.substr(2) + "E";
        for (auto &[address, size] : self.variables) {
            if (self.names.at(address).compare(0, prefix.size(), prefix) == 0) {
                found.push_back({address, size});
            }
        }
    }
    return found;
}

void shared_begin(const void *kernel)
{
    static auto &known = *new std::map<const void *, std::vector<range>>;
    auto place = known.find(kernel);
    if (kernel && place == known.end()) {
        place = known.emplace(kernel, arrays_within(kernel)).first;
    }
    arrays = kernel ? &place->second : nullptr;
}

void shared_clear(void)
{
    static const unsigned long long pattern = FRESH_MEMORY;
    if (arrays) {
        for (range one : *arrays) {
            for (size_t i = 0; i < one.size; i++) {
                ((char *)one.begin)[i] = ((const char *)&pattern)[i % sizeof pattern];
            }
        }
    }
}

static void remember_array(const object &self, range one)
{
    bool is_local = self.names.at(one.begin).compare(0, 3, "_ZZ") == 0;
    auto is_it = [=](range other) { return other.begin == one.begin; };
    if (is_local && arrays && std::none_of(arrays->begin(), arrays->end(), is_it)) {
        arrays->push_back(one);
    }
}

range data_around(uintptr_t address, const void *within)
{
    const object &self = object_of(within);
    for (range segment : self.segments) {
        if (holds(segment, address)) {
            return segment;
        }
    }
    auto next = self.variables.upper_bound(address);
    if (next != self.variables.begin()) {
        range variable = {std::prev(next)->first, std::prev(next)->second};
        if (holds(variable, address)) {
            remember_array(self, variable);
            return variable;
        }
    }
    return {0, 0};
}
