// bpftime-vm: red-black trees of nodes that lie elsewhere
// Copyright (c) 2026 The bpftime-vm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

namespace bpftime::vm::runtime {

/// A node's place in a tree. Programs look at the shape of trees, so it is the kernel's: insertion
/// and removal are those of the textbooks, as there.
struct tree_node {
    tree_node *parent = nullptr;
    tree_node *left = nullptr;
    tree_node *right = nullptr;
    bool is_red = false;
};

class red_black_tree {
public:
    [[nodiscard]] tree_node *root() const noexcept { return root_; }
    [[nodiscard]] tree_node *first() const noexcept {
        tree_node *n = root_;
        while (n != nullptr and n->left != nullptr) n = n->left;
        return n;
    }

    /// Puts `n` where a search has ended: below `parent` (null: the tree is empty).
    void insert(tree_node *n, tree_node *parent, bool to_left) noexcept {
        *n = {.parent = parent, .left = nullptr, .right = nullptr, .is_red = true};
        if (parent == nullptr)
            root_ = n;
        else
            (to_left ? parent->left : parent->right) = n;
        balance_after_insert(n);
    }

    void erase(tree_node *n) noexcept {
        tree_node *child = nullptr;
        tree_node *parent = nullptr;
        bool took_black = false;
        if (n->left == nullptr or n->right == nullptr) {
            child = n->left != nullptr ? n->left : n->right;
            parent = n->parent;
            took_black = not n->is_red;
            replace(n, child);
        } else {
            tree_node *next = n->right;
            while (next->left != nullptr) next = next->left;
            took_black = not next->is_red;
            child = next->right;
            parent = next->parent == n ? next : next->parent;
            if (next->parent != n) {
                replace(next, child);
                next->right = n->right;
                next->right->parent = next;
            }
            replace(n, next);
            next->left = n->left;
            next->left->parent = next;
            next->is_red = n->is_red;
        }
        *n = {};
        if (took_black) balance_after_erase(child, parent);
    }

private:
    static bool is_red(const tree_node *n) noexcept { return n != nullptr and n->is_red; }

    /// `by` (may be null) takes the place of `n`.
    void replace(const tree_node *n, tree_node *by) noexcept {
        if (n->parent == nullptr)
            root_ = by;
        else
            (n == n->parent->left ? n->parent->left : n->parent->right) = by;
        if (by != nullptr) by->parent = n->parent;
    }

    /// The child on the other side takes the place of `n`, which goes down to this side.
    void rotate(tree_node *n, bool to_left) noexcept {
        tree_node *&down = to_left ? n->right : n->left;
        tree_node *const up = down;
        tree_node *&inner = to_left ? up->left : up->right;
        replace(n, up);
        down = inner;
        if (down != nullptr) down->parent = n;
        inner = n;
        n->parent = up;
    }

    void balance_after_insert(tree_node *n) noexcept {
        while (is_red(n->parent)) {
            tree_node *parent = n->parent;
            tree_node *const grandparent = parent->parent;
            const bool left = parent == grandparent->left;
            tree_node *const uncle = left ? grandparent->right : grandparent->left;
            if (is_red(uncle)) {
                parent->is_red = uncle->is_red = false;
                grandparent->is_red = true;
                n = grandparent;
                continue;
            }
            if (n == (left ? parent->right : parent->left)) {
                rotate(parent, left);
                std::swap(n, parent);
            }
            parent->is_red = false;
            grandparent->is_red = true;
            rotate(grandparent, not left);
        }
        root_->is_red = false;
    }

    /// The paths through `n` (may be null) below `parent` have a black node too few.
    void balance_after_erase(tree_node *n, tree_node *parent) noexcept {
        while (n != root_ and not is_red(n)) {
            const bool left = n == parent->left;
            tree_node *sibling = left ? parent->right : parent->left;
            if (is_red(sibling)) {
                sibling->is_red = false;
                parent->is_red = true;
                rotate(parent, left);
                sibling = left ? parent->right : parent->left;
            }
            tree_node *const near = left ? sibling->left : sibling->right;
            tree_node *const far = left ? sibling->right : sibling->left;
            if (not is_red(near) and not is_red(far)) {
                sibling->is_red = true;
                n = parent;
                parent = n->parent;
                continue;
            }
            if (not is_red(far)) {
                near->is_red = false;
                sibling->is_red = true;
                rotate(sibling, not left);
                sibling = left ? parent->right : parent->left;
            }
            sibling->is_red = parent->is_red;
            parent->is_red = false;
            (left ? sibling->right : sibling->left)->is_red = false;
            rotate(parent, left);
            n = root_;
        }
        if (n != nullptr) n->is_red = false;
    }

    tree_node *root_ = nullptr;
};

}  // namespace bpftime::vm::runtime
